// Kernels for batch normalisation and channel shuffles on a CPU, which TensorFlow has only as several passes over memory.
//
// A normalisation with its ReLU and the sum of a residual block is one pass here, backward two. oneDNN's kernels take three
// to five, and are several times slower where the channels are no multiple of 16. The order of all sums depends on the shapes
// alone, so that the bits do not depend on the number of threads.

#include "kernels.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tensorflow/c/c_api.h"
// Leaves out a header that the wheel lacks.
#define IS_SLIM_BUILD
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"

// The compiler makes a version of each loop for the vectors of each kind of processor, and the loader chooses one.
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__)
#define FOR_ALL_PROCESSORS __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FOR_ALL_PROCESSORS
#endif
#define INLINE inline __attribute__((always_inline))

namespace tfnodejs {

namespace {

// Runs parts of a loop on as many threads as the operations of TensorFlow use. Threads that wake up late find fewer parts left.
class Threads {
 public:
  static Threads &Shared() {
    // Never destroyed: threads of TensorFlow may still compute while the process ends.
    static Threads *threads = new Threads;
    return *threads;
  }

  // Each part runs once, in an order that is not certain. `backwards` begins with the last part.
  void For(int parts, const std::function<void(int)> &part, bool backwards = false) {
    if (backwards) {
      For(parts, [&](int i) { part(parts - 1 - i); });
      return;
    }
    std::unique_lock<std::mutex> turn(turn_, std::try_to_lock);
    if (parts == 1 || helpers_ == 0 || !turn.owns_lock()) {
      for (int i = 0; i < parts; i++) part(i);
      return;
    }
    auto loop = std::make_shared<Loop>(parts, part);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      loop_ = loop;
      round_++;
    }
    woken_.notify_all();
    loop->Work();
    // The last part of another thread is on its way, for some microseconds.
    while (loop->left.load(std::memory_order_acquire) > 0) std::this_thread::yield();
  }

 private:
  struct Loop {
    Loop(int count, const std::function<void(int)> &work) : parts(count), part(work), left(count) {}
    void Work() {
      for (int i = next++; i < parts; i = next++) {
        part(i);
        left.fetch_sub(1, std::memory_order_release);
      }
    }
    const int parts;
    // Lives as long as there are parts left.
    const std::function<void(int)> &part;
    std::atomic<int> next{0};
    std::atomic<int> left;
  };

  Threads() {
    const char *setting = std::getenv("TF_NUM_INTRAOP_THREADS");
    int count = setting == nullptr ? 0 : std::atoi(setting);
    if (count <= 0) count = static_cast<int>(std::thread::hardware_concurrency());
    helpers_ = std::max(0, count - 1);
    for (int i = 0; i < helpers_; i++) std::thread([this] { Help(); }).detach();
  }

  void Help() {
    uint64_t seen = 0;
    while (true) {
      std::shared_ptr<Loop> loop;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        woken_.wait(lock, [&] { return round_ != seen; });
        seen = round_;
        loop = loop_;
      }
      loop->Work();
    }
  }

  int helpers_ = 0;
  std::mutex turn_;
  std::mutex mutex_;
  std::condition_variable woken_;
  std::shared_ptr<Loop> loop_;
  uint64_t round_ = 0;
};

// Numbers in memory, read and written as float32.
struct Float32 {
  using Stored = float;
  static INLINE float Read(float value) { return value; }
  static INLINE float Write(float value) { return value; }
};
struct Bfloat16 {
  using Stored = uint16_t;
  static INLINE float Read(uint16_t value) {
    uint32_t bits = static_cast<uint32_t>(value) << 16;
    float number;
    std::memcpy(&number, &bits, sizeof number);
    return number;
  }
  // Rounds to the nearest number, ties to even.
  static INLINE uint16_t Write(float number) {
    uint32_t bits;
    std::memcpy(&bits, &number, sizeof bits);
    uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    return static_cast<uint16_t>(number != number ? 0x7fc0 : rounded);
  }
};

enum Activation : int { kNone = 0, kRelu = 1, kRelu6 = 2 };

// Each keeps NaN, so that the loop of training sees it.
template <int activation>
INLINE float Activate(float value) {
  if (activation == kNone) return value;
  float positive = value < 0 ? 0 : value;
  return activation == kRelu6 && positive > 6 ? 6 : positive;
}
template <int activation>
INLINE float Slope(float value, float gradient) {
  if (activation == kNone) return gradient;
  bool open = activation == kRelu ? value > 0 : (value > 0) & (value < 6);
  // A choice between the gradient and 0 would become a load under a mask, of which the processor prefetches nothing.
  return gradient * (open ? 1.0f : 0.0f);
}

// Asks for numbers that will be read or written two long rows later. The processor does that by itself only for few streams at
// once: measured on tensors larger than its cache, sums take half the time with it.
template <typename T>
INLINE void Prefetch(const T *numbers, int64_t length) {
  constexpr int64_t kInLine = 64 / sizeof(T);
  for (int64_t i = 0; i < length; i += kInLine) __builtin_prefetch(numbers + i);
}

// A tensor as rows of channels. Several rows count as one long one, so that the inner loops are long for few channels, too.
struct Rows {
  Rows(int64_t elements, int64_t channel_count)
      : channels(channel_count),
        count(channel_count == 0 ? 0 : elements / channel_count),
        joined(std::max<int64_t>(1, 256 / std::max<int64_t>(1, channel_count))),
        width(joined * channel_count) {
    // A part is some 64 KB, and there are at most 64.
    int64_t groups = (count + joined - 1) / joined;
    int64_t in_part = std::max<int64_t>({1, (groups + 63) / 64, (1 << 14) / std::max<int64_t>(1, width)});
    per_part = in_part * joined;
    parts = static_cast<int>((count + per_part - 1) / per_part);
  }

  // Calls visit(offset, length) for each long row of a part; the last one may be shorter.
  template <typename Visit>
  INLINE void ForEach(int part, const Visit &visit) const {
    const int64_t end = std::min(count, (part + 1) * per_part) * channels;
    for (int64_t at = part * per_part * channels; at < end; at += width) visit(at, std::min(width, end - at));
  }

  // How far from a long row the one is that is worth fetching.
  int64_t ahead() const { return 4 * width; }

  // Repeats a value of each channel for all rows of a long one.
  template <typename Value>
  std::vector<float> Repeat(const Value &value) const {
    std::vector<float> repeated(width);
    for (int64_t c = 0; c < channels; c++) repeated[c] = value(c);
    for (int64_t i = channels; i < width; i++) repeated[i] = repeated[i - channels];
    return repeated;
  }

  // Adds the sums of a long row to those of its channels.
  void Fold(const float *sums, double *into) const {
    for (int64_t j = 0; j < joined; j++) {
      for (int64_t c = 0; c < channels; c++) into[c] += sums[j * channels + c];
    }
  }

  const int64_t channels;
  const int64_t count;
  const int64_t joined;
  const int64_t width;
  int64_t per_part;
  int parts;
};

// The second pass over a tensor begins where the first one ended, because that part is still in the cache.
constexpr bool kLastIsCached = true;

// How many long rows are summed in float32 before the sums go on in float64.
constexpr int kRowsInFloat = 32;

// Sums two quantities of each channel over all rows. `add(offset, length, first, second)` adds those of a long row.
template <typename Add>
void Sum(const Rows &rows, std::vector<double> &first, std::vector<double> &second, const Add &add) {
  const int64_t channels = rows.channels;
  std::vector<double> of_parts(2 * channels * rows.parts);
  Threads::Shared().For(rows.parts, [&](int part) {
    double *sums = of_parts.data() + 2 * channels * part;
    std::vector<float> floats(2 * rows.width);
    float *one = floats.data();
    float *other = one + rows.width;
    int held = 0;
    auto fold = [&] {
      rows.Fold(one, sums);
      rows.Fold(other, sums + channels);
      std::fill(floats.begin(), floats.end(), 0.0f);
      held = 0;
    };
    rows.ForEach(part, [&](int64_t at, int64_t length) {
      add(at, length, one, other);
      if (++held == kRowsInFloat) fold();
    });
    fold();
  });
  first.assign(channels, 0);
  second.assign(channels, 0);
  for (int part = 0; part < rows.parts; part++) {
    const double *sums = of_parts.data() + 2 * channels * part;
    for (int64_t c = 0; c < channels; c++) {
      first[c] += sums[c];
      second[c] += sums[channels + c];
    }
  }
}

// The inner loops. Their arrays do not overlap, except that y may be the memory of a residual or of dy.

template <typename N>
INLINE void AddMoments(const typename N::Stored *__restrict x, const float *__restrict shift, int64_t length,
                       float *__restrict sum, float *__restrict squares) {
  for (int64_t i = 0; i < length; i++) {
    float distance = N::Read(x[i]) - shift[i];
    sum[i] += distance;
    squares[i] += distance * distance;
  }
}

struct Affine {
  const float *factor;
  const float *term;
};

template <typename N, int activation, bool has_residual>
INLINE void NormalizeRow(const typename N::Stored *__restrict x, Affine affine, const typename N::Stored *residual,
                         int64_t length, typename N::Stored *y) {
  const float *__restrict factor = affine.factor;
  const float *__restrict term = affine.term;
#pragma GCC ivdep
  for (int64_t i = 0; i < length; i++) {
    float value = N::Read(x[i]) * factor[i] + term[i];
    if (has_residual) value += N::Read(residual[i]);
    y[i] = N::Write(Activate<activation>(value));
  }
}

// With a residual, the activation's input is known by its output y; without, it is computed again.
template <typename N, int activation, bool has_residual>
INLINE float SlopeAt(const typename N::Stored *dy, const typename N::Stored *x, const typename N::Stored *y,
                     Affine affine, int64_t i) {
  if (activation == kNone) return N::Read(dy[i]);
  float value = has_residual ? N::Read(y[i]) : N::Read(x[i]) * affine.factor[i] + affine.term[i];
  return Slope<activation>(value, N::Read(dy[i]));
}

template <typename N, int activation, bool has_residual>
INLINE void AddGradients(const typename N::Stored *__restrict dy, const typename N::Stored *__restrict x,
                         const typename N::Stored *__restrict y, Affine affine, const float *__restrict mean,
                         int64_t length, float *__restrict sum, float *__restrict products,
                         typename N::Stored *__restrict dresidual) {
#pragma GCC ivdep
  for (int64_t i = 0; i < length; i++) {
    float slope = SlopeAt<N, activation, has_residual>(dy, x, y, affine, i);
    sum[i] += slope;
    products[i] += slope * (N::Read(x[i]) - mean[i]);
    if (has_residual) dresidual[i] = N::Write(slope);
  }
}

struct Backward {
  const float *mean;
  // dx = factor · dy + slant · (x − mean) + level
  const float *factor;
  const float *slant;
  const float *level;
};

template <typename N, int activation>
INLINE void GradientRow(const typename N::Stored *__restrict dy, const typename N::Stored *__restrict x,
                        Affine affine, Backward backward, int64_t length, typename N::Stored *__restrict dx) {
#pragma GCC ivdep
  for (int64_t i = 0; i < length; i++) {
    float slope = SlopeAt<N, activation, false>(dy, x, nullptr, affine, i);
    float value = backward.factor[i] * slope + backward.slant[i] * (N::Read(x[i]) - backward.mean[i]);
    dx[i] = N::Write(value + backward.level[i]);
  }
}

// target_clones cannot be put on templates, so each loop has a function for each type and activation.
#define LOOPS(N, ACTIVATION)                                                                                           \
  FOR_ALL_PROCESSORS void Normalize##N##ACTIVATION(const N::Stored *x, Affine affine, int64_t length,                  \
                                                   N::Stored *y) {                                                     \
    NormalizeRow<N, k##ACTIVATION, false>(x, affine, nullptr, length, y);                                              \
  }                                                                                                                    \
  FOR_ALL_PROCESSORS void NormalizeAdd##N##ACTIVATION(const N::Stored *x, Affine affine, const N::Stored *residual,    \
                                                      int64_t length, N::Stored *y) {                                  \
    NormalizeRow<N, k##ACTIVATION, true>(x, affine, residual, length, y);                                              \
  }                                                                                                                    \
  FOR_ALL_PROCESSORS void Gradients##N##ACTIVATION(const N::Stored *dy, const N::Stored *x, Affine affine,             \
                                                   const float *mean, int64_t length, float *sum, float *products) {   \
    AddGradients<N, k##ACTIVATION, false>(dy, x, nullptr, affine, mean, length, sum, products, nullptr);               \
  }                                                                                                                    \
  FOR_ALL_PROCESSORS void AddGradients##N##ACTIVATION(const N::Stored *dy, const N::Stored *x, const N::Stored *y,     \
                                                      const float *mean, int64_t length, float *sum, float *products,  \
                                                      N::Stored *dresidual) {                                          \
    AddGradients<N, k##ACTIVATION, true>(dy, x, y, {}, mean, length, sum, products, dresidual);                        \
  }                                                                                                                    \
  FOR_ALL_PROCESSORS void Gradient##N##ACTIVATION(const N::Stored *dy, const N::Stored *x, Affine affine,              \
                                                  Backward backward, int64_t length, N::Stored *dx) {                  \
    GradientRow<N, k##ACTIVATION>(dy, x, affine, backward, length, dx);                                                \
  }
#define LOOPS_OF(N)                                                                                                    \
  FOR_ALL_PROCESSORS void Moments##N(const N::Stored *x, const float *shift, int64_t length, float *sum,               \
                                     float *squares) {                                                                 \
    AddMoments<N>(x, shift, length, sum, squares);                                                                     \
  }                                                                                                                    \
  LOOPS(N, None)                                                                                                       \
  LOOPS(N, Relu)                                                                                                       \
  LOOPS(N, Relu6)
LOOPS_OF(Float32)
LOOPS_OF(Bfloat16)

// The loops by type and activation.
template <typename N>
struct Loops;
#define TABLE(NAME, N) {NAME##N##None, NAME##N##Relu, NAME##N##Relu6}
#define LOOPS_TABLE(N)                                                                                  \
  template <>                                                                                           \
  struct Loops<N> {                                                                                     \
    static constexpr auto moments = Moments##N;                                                         \
    static constexpr decltype(&Normalize##N##None) normalize[] = TABLE(Normalize, N);                   \
    static constexpr decltype(&NormalizeAdd##N##None) normalize_add[] = TABLE(NormalizeAdd, N);         \
    static constexpr decltype(&Gradients##N##None) gradients[] = TABLE(Gradients, N);                   \
    static constexpr decltype(&AddGradients##N##None) add_gradients[] = TABLE(AddGradients, N);         \
    static constexpr decltype(&Gradient##N##None) gradient[] = TABLE(Gradient, N);                      \
  };
LOOPS_TABLE(Float32)
LOOPS_TABLE(Bfloat16)

// The inputs and outputs of a call. After a failure, which TensorFlow reports, `ok` is false and nothing may be read.
class Call {
 public:
  explicit Call(TF_OpKernelContext *context) : context_(context), status_(TF_NewStatus()) {}
  Call(const Call &) = delete;
  ~Call() {
    for (TF_Tensor *tensor : tensors_) TF_DeleteTensor(tensor);
    TF_DeleteStatus(status_);
  }

  bool ok() const { return ok_; }
  bool Require(bool condition, const char *what) {
    if (ok_ && !condition) {
      TF_SetStatus(status_, TF_INVALID_ARGUMENT, what);
      Check();
    }
    return ok_;
  }

  TF_Tensor *Input(int at) {
    TF_Tensor *tensor = nullptr;
    if (ok_) TF_GetInput(context_, at, &tensor, status_);
    return Keep(tensor);
  }

  // A new tensor with the shape and type of another one.
  TF_Tensor *Output(int at, const TF_Tensor *like) {
    if (!ok_) return nullptr;
    std::vector<int64_t> shape;
    for (int i = 0; i < TF_NumDims(like); i++) shape.push_back(TF_Dim(like, i));
    return Output(at, TF_TensorType(like), shape);
  }
  // A new tensor of float32 with a value for each channel.
  float *OfChannels(int at, int64_t channels) {
    TF_Tensor *tensor = Output(at, TF_FLOAT, {channels});
    return ok_ ? static_cast<float *>(TF_TensorData(tensor)) : nullptr;
  }

 private:
  TF_Tensor *Output(int at, TF_DataType type, const std::vector<int64_t> &shape) {
    if (!ok_) return nullptr;
    size_t size = TF_DataTypeSize(type);
    for (int64_t length : shape) size *= length;
    return Keep(TF_AllocateOutput(context_, at, type, shape.data(), static_cast<int>(shape.size()), size, status_));
  }

  TF_Tensor *Keep(TF_Tensor *tensor) {
    if (tensor != nullptr) tensors_.push_back(tensor);
    Check();
    return tensor;
  }

  void Check() {
    if (!ok_ || TF_GetCode(status_) == TF_OK) return;
    TF_OpKernelContext_Failure(context_, status_);
    ok_ = false;
  }

  TF_OpKernelContext *context_;
  TF_Status *status_;
  std::vector<TF_Tensor *> tensors_;
  bool ok_ = true;
};

template <typename T>
T *Data(const TF_Tensor *tensor) {
  return static_cast<T *>(TF_TensorData(tensor));
}

int64_t ChannelsOf(const TF_Tensor *tensor) {
  int rank = TF_NumDims(tensor);
  return rank == 0 ? 1 : TF_Dim(tensor, rank - 1);
}

struct Options {
  float epsilon = 1e-5f;
  int activation = kNone;
};

void *ReadOptions(TF_OpKernelConstruction *construction) {
  auto options = std::make_unique<Options>();
  TF_Status *status = TF_NewStatus();
  TF_OpKernelConstruction_GetAttrFloat(construction, "epsilon", &options->epsilon, status);
  if (TF_GetCode(status) == TF_OK) {
    TF_OpKernelConstruction_GetAttrInt32(construction, "activation", &options->activation, status);
  }
  if (TF_GetCode(status) == TF_OK && (options->activation < kNone || options->activation > kRelu6)) {
    TF_SetStatus(status, TF_INVALID_ARGUMENT, "the activation must be 0 (none), 1 (ReLU) or 2 (ReLU6)");
  }
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return options.release();
}

void FreeOptions(void *options) { delete static_cast<Options *>(options); }

// The inputs mean, variance and scale of a normalisation, from input `first` on, and what follows from them.
struct Statistics {
  Statistics(Call &call, int first, int64_t channels, float epsilon) {
    mean = Read(call, first, channels);
    const float *variance = Read(call, first + 1, channels);
    const float *scale = Read(call, first + 2, channels);
    if (!call.ok()) return;
    for (int64_t c = 0; c < channels; c++) {
      inverse.push_back(1 / std::sqrt(variance[c] + epsilon));
      factor.push_back(scale[c] * inverse[c]);
    }
  }

  static const float *Read(Call &call, int at, int64_t channels) {
    TF_Tensor *tensor = call.Input(at);
    if (!call.ok()) return nullptr;
    call.Require(TF_TensorElementCount(tensor) == channels, "the statistics need a value for each channel");
    return Data<float>(tensor);
  }

  const float *mean = nullptr;
  // 1 / standard deviation
  std::vector<float> inverse;
  std::vector<float> factor;
};

// The mean and the population variance of each channel.
template <typename N>
void Moments(void *, TF_OpKernelContext *context) {
  Call call(context);
  TF_Tensor *x = call.Input(0);
  if (!call.ok()) return;
  const Rows rows(TF_TensorElementCount(x), ChannelsOf(x));
  float *mean = call.OfChannels(0, rows.channels);
  float *variance = call.OfChannels(1, rows.channels);
  if (!call.Require(rows.count > 0, "a batch without elements has no mean")) return;
  const auto *values = Data<typename N::Stored>(x);
  // Sums of distances to a value of the channel lose no digits where the mean is large.
  const std::vector<float> shift = rows.Repeat([&](int64_t c) { return N::Read(values[c]); });
  std::vector<double> sum, squares;
  Sum(rows, sum, squares, [&](int64_t at, int64_t length, float *one, float *other) {
    Prefetch(values + at + rows.ahead(), length);
    Loops<N>::moments(values + at, shift.data(), length, one, other);
  });
  for (int64_t c = 0; c < rows.channels; c++) {
    double distance = sum[c] / rows.count;
    mean[c] = static_cast<float>(shift[c] + distance);
    variance[c] = static_cast<float>(std::max(0.0, squares[c] / rows.count - distance * distance));
    if (std::isnan(squares[c])) variance[c] = NAN;
  }
}

// x, mean, variance, scale, offset[, residual] → activation((x − mean) / √(variance + ε) · scale + offset[ + residual])
template <typename N, bool has_residual>
void Normalize(void *options, TF_OpKernelContext *context) {
  const auto [epsilon, activation] = *static_cast<Options *>(options);
  Call call(context);
  TF_Tensor *x = call.Input(0);
  if (!call.ok()) return;
  const Rows rows(TF_TensorElementCount(x), ChannelsOf(x));
  const Statistics statistics(call, 1, rows.channels, epsilon);
  const float *offset = Statistics::Read(call, 4, rows.channels);
  TF_Tensor *residual = has_residual ? call.Input(5) : x;
  TF_Tensor *y = call.Output(0, x);
  if (!call.ok()) return;
  if (!call.Require(TF_TensorElementCount(residual) == TF_TensorElementCount(x), "x and residual differ in shape"))
    return;
  const std::vector<float> factor = rows.Repeat([&](int64_t c) { return statistics.factor[c]; });
  const std::vector<float> term =
      rows.Repeat([&](int64_t c) { return offset[c] - statistics.mean[c] * statistics.factor[c]; });
  const Affine affine = {factor.data(), term.data()};
  using T = typename N::Stored;
  const T *from = Data<T>(x);
  const T *other = Data<T>(residual);
  T *to = Data<T>(y);
  Threads::Shared().For(rows.parts, [&, kind = activation](int part) {
    rows.ForEach(part, [&](int64_t at, int64_t length) {
      Prefetch(from + at + rows.ahead(), length);
      Prefetch(to + at + rows.ahead(), length);
      if (has_residual) {
        Prefetch(other + at + rows.ahead(), length);
        Loops<N>::normalize_add[kind](from + at, affine, other + at, length, to + at);
      } else {
        Loops<N>::normalize[kind](from + at, affine, length, to + at);
      }
    });
  }, kLastIsCached);
}

// dy, x, mean, variance, scale, and offset or, with a residual, y → dx, dscale, doffset[, dresidual]
template <typename N, bool has_residual>
void NormalizeGrad(void *options, TF_OpKernelContext *context) {
  const auto [epsilon, activation] = *static_cast<Options *>(options);
  Call call(context);
  TF_Tensor *dy = call.Input(0);
  TF_Tensor *x = call.Input(1);
  if (!call.ok()) return;
  const Rows rows(TF_TensorElementCount(x), ChannelsOf(x));
  const Statistics statistics(call, 2, rows.channels, epsilon);
  TF_Tensor *last = call.Input(5);
  TF_Tensor *dx = call.Output(0, x);
  float *dscale = call.OfChannels(1, rows.channels);
  float *doffset = call.OfChannels(2, rows.channels);
  TF_Tensor *dresidual = has_residual ? call.Output(3, x) : nullptr;
  if (!call.ok()) return;
  const int64_t elements = TF_TensorElementCount(x);
  const int64_t expected = has_residual ? elements : rows.channels;
  if (!call.Require(TF_TensorElementCount(dy) == elements && TF_TensorElementCount(last) == expected,
                    "dy, x and y or the offset differ in shape"))
    return;
  using T = typename N::Stored;
  const T *gradients = Data<T>(dy);
  const T *values = Data<T>(x);
  T *masked = has_residual ? Data<T>(dresidual) : nullptr;
  const std::vector<float> mean = rows.Repeat([&](int64_t c) { return statistics.mean[c]; });
  const std::vector<float> factor = rows.Repeat([&](int64_t c) { return statistics.factor[c]; });
  const std::vector<float> term = rows.Repeat([&](int64_t c) {
    return has_residual ? 0 : Data<float>(last)[c] - statistics.mean[c] * statistics.factor[c];
  });
  const Affine affine = {factor.data(), term.data()};
  std::vector<double> sum, products;
  Sum(rows, sum, products, [&, kind = activation](int64_t at, int64_t length, float *one, float *other) {
    Prefetch(gradients + at + rows.ahead(), length);
    Prefetch(values + at + rows.ahead(), length);
    if (has_residual) {
      Prefetch(Data<T>(last) + at + rows.ahead(), length);
      Prefetch(masked + at + rows.ahead(), length);
      Loops<N>::add_gradients[kind](gradients + at, values + at, Data<T>(last) + at, mean.data(), length, one, other,
                                    masked + at);
    } else {
      Loops<N>::gradients[kind](gradients + at, values + at, affine, mean.data(), length, one, other);
    }
  });
  for (int64_t c = 0; c < rows.channels; c++) {
    dscale[c] = static_cast<float>(products[c] * statistics.inverse[c]);
    doffset[c] = static_cast<float>(sum[c]);
  }
  const double count = static_cast<double>(std::max<int64_t>(1, rows.count));
  const std::vector<float> slant = rows.Repeat([&](int64_t c) {
    double inverse = statistics.inverse[c];
    return static_cast<float>(-statistics.factor[c] * inverse * inverse * products[c] / count);
  });
  const std::vector<float> level =
      rows.Repeat([&](int64_t c) { return static_cast<float>(-statistics.factor[c] * sum[c] / count); });
  const Backward backward = {mean.data(), factor.data(), slant.data(), level.data()};
  T *to = Data<T>(dx);
  Threads::Shared().For(rows.parts, [&, kind = activation](int part) {
    rows.ForEach(part, [&](int64_t at, int64_t length) {
      Prefetch((has_residual ? masked : gradients) + at + rows.ahead(), length);
      Prefetch(values + at + rows.ahead(), length);
      Prefetch(to + at + rows.ahead(), length);
      // The residual's gradient is behind the activation already.
      if (has_residual) {
        Loops<N>::gradient[kNone](masked + at, values + at, affine, backward, length, to + at);
      } else {
        Loops<N>::gradient[kind](gradients + at, values + at, affine, backward, length, to + at);
      }
    });
  }, kLastIsCached);
}

// Two halves of channels, of which one is from each group in turn; and back.
FOR_ALL_PROCESSORS void Interleave(const float *__restrict x, int64_t half, float *__restrict y) {
  for (int64_t c = 0; c < half; c++) {
    y[2 * c] = x[c];
    y[2 * c + 1] = x[half + c];
  }
}
FOR_ALL_PROCESSORS void Separate(const float *__restrict x, int64_t half, float *__restrict y) {
  for (int64_t c = 0; c < half; c++) {
    y[c] = x[2 * c];
    y[half + c] = x[2 * c + 1];
  }
}

void *ReadGroups(TF_OpKernelConstruction *construction) {
  auto groups = std::make_unique<int32_t>(1);
  TF_Status *status = TF_NewStatus();
  TF_OpKernelConstruction_GetAttrInt32(construction, "groups", groups.get(), status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return groups.release();
}

void FreeGroups(void *groups) { delete static_cast<int32_t *>(groups); }

// Channel j of group i of x is channel i of group j of y.
void Shuffle(void *attribute, TF_OpKernelContext *context) {
  const int64_t groups = *static_cast<int32_t *>(attribute);
  Call call(context);
  TF_Tensor *x = call.Input(0);
  if (!call.ok()) return;
  const Rows rows(TF_TensorElementCount(x), ChannelsOf(x));
  if (!call.Require(groups > 0 && rows.channels % groups == 0, "the channels must be a multiple of the groups"))
    return;
  TF_Tensor *y = call.Output(0, x);
  if (!call.ok()) return;
  const int64_t in_group = rows.channels / groups;
  const float *from = Data<float>(x);
  float *to = Data<float>(y);
  Threads::Shared().For(rows.parts, [&](int part) {
    const int64_t end = std::min(rows.count, (part + 1) * rows.per_part);
    for (int64_t row = part * rows.per_part; row < end; row++) {
      const float *in = from + row * rows.channels;
      float *out = to + row * rows.channels;
      if (groups == 2) {
        Interleave(in, in_group, out);
      } else if (in_group == 2) {
        Separate(in, groups, out);
      } else {
        for (int64_t group = 0; group < groups; group++) {
          for (int64_t c = 0; c < in_group; c++) out[c * groups + group] = in[group * in_group + c];
        }
      }
    }
  });
}

// Registration.

void ShapeOfInput(TF_ShapeInferenceContext *context, int output, int input, bool channels_alone, TF_Status *status) {
  TF_ShapeHandle *shape = TF_NewShapeHandle();
  TF_ShapeInferenceContextGetInput(context, input, shape, status);
  if (TF_GetCode(status) == TF_OK && channels_alone) {
    TF_ShapeInferenceContextWithRankAtLeast(context, shape, 1, shape, status);
    int64_t rank = TF_ShapeInferenceContextRank(context, shape);
    if (TF_GetCode(status) == TF_OK) {
      TF_ShapeInferenceContextSubshape(context, shape, rank - 1, rank, shape, status);
    }
  }
  if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextSetOutput(context, output, shape, status);
  TF_DeleteShapeHandle(shape);
}

void FirstInput(TF_ShapeInferenceContext *context, TF_Status *status) {
  ShapeOfInput(context, 0, 0, false, status);
}

void MomentsShapes(TF_ShapeInferenceContext *context, TF_Status *status) {
  ShapeOfInput(context, 0, 0, true, status);
  if (TF_GetCode(status) == TF_OK) ShapeOfInput(context, 1, 0, true, status);
}

template <bool has_residual>
void GradientShapes(TF_ShapeInferenceContext *context, TF_Status *status) {
  ShapeOfInput(context, 0, 1, false, status);
  for (int output : {1, 2}) {
    if (TF_GetCode(status) == TF_OK) ShapeOfInput(context, output, 1, true, status);
  }
  if (has_residual && TF_GetCode(status) == TF_OK) ShapeOfInput(context, 3, 1, false, status);
}

struct Definition {
  const char *name;
  std::vector<const char *> attributes;
  std::vector<const char *> inputs;
  std::vector<const char *> outputs;
  void (*shapes)(TF_ShapeInferenceContext *, TF_Status *);
};

bool Define(const Definition &definition) {
  TF_OpDefinitionBuilder *builder = TF_NewOpDefinitionBuilder(definition.name);
  for (const char *attribute : definition.attributes) TF_OpDefinitionBuilderAddAttr(builder, attribute);
  for (const char *input : definition.inputs) TF_OpDefinitionBuilderAddInput(builder, input);
  for (const char *output : definition.outputs) TF_OpDefinitionBuilderAddOutput(builder, output);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(builder, definition.shapes);
  TF_Status *status = TF_NewStatus();
  TF_RegisterOpDefinition(builder, status);
  bool ok = TF_GetCode(status) == TF_OK;
  TF_DeleteStatus(status);
  return ok;
}

struct Kernel {
  void *(*create)(TF_OpKernelConstruction *);
  void (*compute)(void *, TF_OpKernelContext *);
  void (*free)(void *);
};

bool Register(const char *operation, TF_DataType type, const Kernel &kernel) {
  TF_Status *status = TF_NewStatus();
  TF_KernelBuilder *builder = TF_NewKernelBuilder(operation, "CPU", kernel.create, kernel.compute, kernel.free);
  TF_KernelBuilder_TypeConstraint(builder, "T", type, status);
  const std::string name = std::string(operation) + (type == TF_FLOAT ? "Float32" : "Bfloat16");
  if (TF_GetCode(status) == TF_OK) TF_RegisterKernelBuilder(name.c_str(), builder, status);
  bool ok = TF_GetCode(status) == TF_OK;
  TF_DeleteStatus(status);
  return ok;
}

template <typename N>
bool RegisterFor(TF_DataType type) {
  return Register("DistilleryMoments", type, {nullptr, Moments<N>, nullptr}) &&
         Register("DistilleryNormalize", type, {ReadOptions, Normalize<N, false>, FreeOptions}) &&
         Register("DistilleryNormalizeAdd", type, {ReadOptions, Normalize<N, true>, FreeOptions}) &&
         Register("DistilleryNormalizeGrad", type, {ReadOptions, NormalizeGrad<N, false>, FreeOptions}) &&
         Register("DistilleryNormalizeAddGrad", type, {ReadOptions, NormalizeGrad<N, true>, FreeOptions});
}

}  // namespace

bool RegisterKernels() {
  static const bool registered = [] {
    const char *type = "T: {float, bfloat16}";
    const std::vector<const char *> normalization = {type, "epsilon: float", "activation: int"};
    return Define({"DistilleryMoments", {type}, {"x: T"}, {"mean: float", "variance: float"}, MomentsShapes}) &&
           Define({"DistilleryNormalize",
                   normalization,
                   {"x: T", "mean: float", "variance: float", "scale: float", "offset: float"},
                   {"y: T"},
                   FirstInput}) &&
           Define({"DistilleryNormalizeAdd",
                   normalization,
                   {"x: T", "mean: float", "variance: float", "scale: float", "offset: float", "residual: T"},
                   {"y: T"},
                   FirstInput}) &&
           Define({"DistilleryNormalizeGrad",
                   normalization,
                   {"dy: T", "x: T", "mean: float", "variance: float", "scale: float", "offset: float"},
                   {"dx: T", "dscale: float", "doffset: float"},
                   GradientShapes<false>}) &&
           Define({"DistilleryNormalizeAddGrad",
                   normalization,
                   {"dy: T", "x: T", "mean: float", "variance: float", "scale: float", "y: T"},
                   {"dx: T", "dscale: float", "doffset: float", "dresidual: T"},
                   GradientShapes<true>}) &&
           Define({"DistilleryShuffle", {"T: {float}", "groups: int"}, {"x: T"}, {"y: T"}, FirstInput}) &&
           RegisterFor<Float32>(TF_FLOAT) && RegisterFor<Bfloat16>(TF_BFLOAT16) &&
           Register("DistilleryShuffle", TF_FLOAT, {ReadGroups, Shuffle, FreeGroups});
  }();
  return registered;
}

}  // namespace tfnodejs
