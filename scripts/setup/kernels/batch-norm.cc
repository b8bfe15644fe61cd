// Batch normalisation with the sum of a residual block and the activation behind it, in one pass forward and two backward.
//
// oneDNN and TensorFlow take up to seven, and oneDNN's kernels are several times slower where the channels are no multiple of
// 16. The order of all sums depends on the shapes alone, so that the bits do not depend on the number of threads.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "attributes.h"
#include "call.h"
#include "define.h"
#include "kernels.h"
#include "loops.h"
#include "rows.h"
#include "threads.h"

namespace tfnodejs {

namespace {

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

struct Options {
  float epsilon = 1e-5f;
  int activation = kNone;
};

void ReadOptions(TF_OpKernelConstruction *construction, Options *options, TF_Status *status) {
  TF_OpKernelConstruction_GetAttrFloat(construction, "epsilon", &options->epsilon, status);
  if (TF_GetCode(status) == TF_OK) {
    TF_OpKernelConstruction_GetAttrInt32(construction, "activation", &options->activation, status);
  }
  if (TF_GetCode(status) == TF_OK && (options->activation < kNone || options->activation > kRelu6)) {
    TF_SetStatus(status, TF_INVALID_ARGUMENT, "the activation must be 0 (none), 1 (ReLU) or 2 (ReLU6)");
  }
}

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

template <typename N>
bool RegisterFor(TF_DataType type) {
  return Register("DistilleryMoments", type, {nullptr, Moments<N>, nullptr}) &&
         Register("DistilleryNormalize", type, {Create<Options, ReadOptions>, Normalize<N, false>, Free<Options>}) &&
         Register("DistilleryNormalizeAdd", type, {Create<Options, ReadOptions>, Normalize<N, true>, Free<Options>}) &&
         Register("DistilleryNormalizeGrad", type, {Create<Options, ReadOptions>, NormalizeGrad<N, false>, Free<Options>}) &&
         Register("DistilleryNormalizeAddGrad", type, {Create<Options, ReadOptions>, NormalizeGrad<N, true>, Free<Options>});
}

}  // namespace

bool RegisterBatchNorm() {
  const char *type = "T: {float, bfloat16}";
  const std::vector<const char *> attributes = {type, "epsilon: float", "activation: int"};
  return Define({"DistilleryMoments", {type}, {"x: T"}, {"mean: float", "variance: float"}, MomentsShapes}) &&
         Define({"DistilleryNormalize",
                 attributes,
                 {"x: T", "mean: float", "variance: float", "scale: float", "offset: float"},
                 {"y: T"},
                 FirstInput}) &&
         Define({"DistilleryNormalizeAdd",
                 attributes,
                 {"x: T", "mean: float", "variance: float", "scale: float", "offset: float", "residual: T"},
                 {"y: T"},
                 FirstInput}) &&
         Define({"DistilleryNormalizeGrad",
                 attributes,
                 {"dy: T", "x: T", "mean: float", "variance: float", "scale: float", "offset: float"},
                 {"dx: T", "dscale: float", "doffset: float"},
                 GradientShapes<false>}) &&
         Define({"DistilleryNormalizeAddGrad",
                 attributes,
                 {"dy: T", "x: T", "mean: float", "variance: float", "scale: float", "y: T"},
                 {"dx: T", "dscale: float", "doffset: float", "dresidual: T"},
                 GradientShapes<true>}) &&
         RegisterFor<Float32>(TF_FLOAT) && RegisterFor<Bfloat16>(TF_BFLOAT16);
}

}  // namespace tfnodejs
