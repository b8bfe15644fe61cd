// Scaled dot-product attention with several heads (Vaswani et al., 2017, arXiv:1706.03762) and its gradient, each in one
// operation, from queries, keys and values as one product computes them. The probabilities stay in the cache: the gradient
// computes them again, as FlashAttention does (Dao et al., 2022, arXiv:2205.14135).

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "attributes.h"
#include "call.h"
#include "define.h"
#include "exp.h"
#include "kernels.h"
#include "loops.h"
#include "mask.h"
#include "products.h"
#include "threads.h"

namespace tfnodejs {

namespace {

// How many queries are looked at together, so that their scores stay in the cache.
constexpr int64_t kBlock = 32;

// One head of one sample.
struct Head {
  int64_t tokens;
  int64_t depth;
  // From a token to the next, in `queries`, `keys` and `values`.
  int64_t stride;
  // From a token to the next in what attention returns.
  int64_t out;
  const float *queries;
  const float *keys;
  const float *values;
  // 1 for keys that may be attended to, 0 for others; null: all may.
  const float *allowed;
  Mask mask;
  // The index of the first probability among those of all heads.
  uint32_t first;

  int64_t wide() const { return InLanes(tokens); }
  int64_t deep() const { return InLanes(depth); }
};

// Memory of one thread, cut into pieces.
class Scratch {
 public:
  explicit Scratch(int64_t size) {
    static thread_local std::vector<float> memory;
    if (static_cast<int64_t>(memory.size()) < size) memory.resize(size);
    next_ = memory.data();
  }
  float *Take(int64_t size) {
    float *piece = next_;
    next_ += size;
    return piece;
  }

 private:
  float *next_;
};

// Copies rows, with zeros behind them up to whole lanes.
INLINE void Pack(const float *from, int64_t stride, int64_t rows, int64_t width, float *to) {
  const int64_t wide = InLanes(width);
  for (int64_t i = 0; i < rows; i++, from += stride, to += wide) {
    for (int64_t j = 0; j < width; j++) to[j] = from[j];
    for (int64_t j = width; j < wide; j++) to[j] = 0;
  }
}

// Copies columns as rows, with zeros behind them.
INLINE void PackTransposed(const float *from, int64_t stride, int64_t rows, int64_t width, float *to) {
  const int64_t wide = InLanes(rows);
  for (int64_t j = 0; j < width; j++) {
    for (int64_t i = 0; i < rows; i++) to[j * wide + i] = from[i * stride + j];
    for (int64_t i = rows; i < wide; i++) to[j * wide + i] = 0;
  }
}

INLINE void Unpack(const float *from, int64_t rows, int64_t width, float *to, int64_t stride) {
  const int64_t wide = InLanes(width);
  for (int64_t i = 0; i < rows; i++, from += wide, to += stride) {
    for (int64_t j = 0; j < width; j++) to[j] = from[j];
  }
}

// Replaces a row of scores by their softmax, with zeros behind it.
INLINE void Softmax(float *row, int64_t tokens, float scale, const float *allowed) {
  const int64_t wide = InLanes(tokens);
  for (int64_t j = 0; j < tokens; j++) row[j] *= scale;
  if (allowed != nullptr) {
    // So low that keys which are all masked share the probability equally.
    for (int64_t j = 0; j < tokens; j++) row[j] += (allowed[j] - 1) * 1e9f;
  }
  for (int64_t j = tokens; j < wide; j++) row[j] = row[0];
  Lanes most = At(row);
  for (int64_t j = kLanes; j < wide; j += kLanes) most = At(row + j) > most ? At(row + j) : most;
  float top = most[0];
  for (int l = 1; l < kLanes; l++) top = most[l] > top ? most[l] : top;
  // A NaN stays one, and makes all others of its row NaN by the sum.
  for (int64_t j = 0; j < wide; j++) row[j] = row[j] - top < -87.0f ? 0.0f : Exp(row[j] - top);
  for (int64_t j = tokens; j < wide; j++) row[j] = 0;
  Lanes sums = {};
  for (int64_t j = 0; j < wide; j += kLanes) sums += At(row + j);
  const float inverse = 1 / SumOf(sums);
  for (int64_t j = 0; j < wide; j++) row[j] *= inverse;
}

// Computes the probabilities of some queries. @param keys the keys, transposed @param p [rows, wide]
INLINE void Probabilities(const Head &head, int64_t from, int64_t rows, const float *keys, float *p) {
  Product<false>({head.queries + from * head.stride, head.stride, 1}, rows, head.depth, keys, head.wide(), p);
  const float scale = 1 / std::sqrt(static_cast<float>(head.depth));
  for (int64_t i = 0; i < rows; i++) Softmax(p + i * head.wide(), head.tokens, scale, head.allowed);
}

// Multiplies numbers of some queries by the factors of dropout.
INLINE void Drop(const Head &head, int64_t from, int64_t rows, const float *p, float *dropped) {
  for (int64_t i = 0; i < rows; i++) {
    const uint32_t first = head.first + static_cast<uint32_t>((from + i) * head.tokens);
    for (int64_t j = 0; j < head.wide(); j++) {
      dropped[i * head.wide() + j] = p[i * head.wide() + j] * head.mask.Factor(first + static_cast<uint32_t>(j));
    }
  }
}

FOR_ALL_PROCESSORS void Forward(const Head &head, float *y) {
  const int64_t wide = head.wide(), deep = head.deep();
  Scratch scratch(head.depth * wide + head.tokens * deep + kBlock * (wide + deep));
  float *keys = scratch.Take(head.depth * wide);
  float *values = scratch.Take(head.tokens * deep);
  float *p = scratch.Take(kBlock * wide);
  float *sums = scratch.Take(kBlock * deep);
  PackTransposed(head.keys, head.stride, head.tokens, head.depth, keys);
  Pack(head.values, head.stride, head.tokens, head.depth, values);
  for (int64_t from = 0; from < head.tokens; from += kBlock) {
    const int64_t rows = std::min(kBlock, head.tokens - from);
    Probabilities(head, from, rows, keys, p);
    if (head.mask.threshold > 0) Drop(head, from, rows, p, p);
    Product<false>({p, wide, 1}, rows, head.tokens, values, deep, sums);
    Unpack(sums, rows, head.depth, y + from * head.out, head.out);
  }
}

// @param dqueries, dkeys, dvalues with the stride of the head
FOR_ALL_PROCESSORS void Backward(const Head &head, const float *dy, float *dqueries, float *dkeys, float *dvalues) {
  const int64_t wide = head.wide(), deep = head.deep();
  Scratch scratch(2 * head.depth * wide + 3 * head.tokens * deep + 3 * kBlock * wide + 3 * kBlock * deep);
  float *transposed_keys = scratch.Take(head.depth * wide);
  float *transposed_values = scratch.Take(head.depth * wide);
  float *keys = scratch.Take(head.tokens * deep);
  float *key_sums = scratch.Take(head.tokens * deep);
  float *value_sums = scratch.Take(head.tokens * deep);
  float *p = scratch.Take(kBlock * wide);
  float *dropped = scratch.Take(kBlock * wide);
  float *slopes = scratch.Take(kBlock * wide);
  float *queries = scratch.Take(kBlock * deep);
  float *dys = scratch.Take(kBlock * deep);
  float *query_sums = scratch.Take(kBlock * deep);
  PackTransposed(head.keys, head.stride, head.tokens, head.depth, transposed_keys);
  PackTransposed(head.values, head.stride, head.tokens, head.depth, transposed_values);
  Pack(head.keys, head.stride, head.tokens, head.depth, keys);
  std::fill(key_sums, key_sums + head.tokens * deep, 0.0f);
  std::fill(value_sums, value_sums + head.tokens * deep, 0.0f);
  const float scale = 1 / std::sqrt(static_cast<float>(head.depth));
  const bool drops = head.mask.threshold > 0;
  for (int64_t from = 0; from < head.tokens; from += kBlock) {
    const int64_t rows = std::min(kBlock, head.tokens - from);
    Pack(head.queries + from * head.stride, head.stride, rows, head.depth, queries);
    Pack(dy + from * head.out, head.out, rows, head.depth, dys);
    Probabilities(head, from, rows, transposed_keys, p);
    Product<false>({dys, deep, 1}, rows, head.depth, transposed_values, wide, slopes);
    if (drops) {
      Drop(head, from, rows, p, dropped);
      Drop(head, from, rows, slopes, slopes);
    }
    Product<true>({drops ? dropped : p, 1, wide}, head.tokens, rows, dys, deep, value_sums);
    for (int64_t i = 0; i < rows; i++) {
      float *slope = slopes + i * wide;
      const float *share = p + i * wide;
      Lanes products = {};
      for (int64_t j = 0; j < wide; j += kLanes) products += At(slope + j) * At(share + j);
      const float level = SumOf(products);
      for (int64_t j = 0; j < wide; j++) slope[j] = share[j] * (slope[j] - level) * scale;
    }
    Product<false>({slopes, wide, 1}, rows, head.tokens, keys, deep, query_sums);
    Unpack(query_sums, rows, head.depth, dqueries + from * head.stride, head.stride);
    Product<true>({slopes, 1, wide}, head.tokens, rows, queries, deep, key_sums);
  }
  Unpack(key_sums, head.tokens, head.depth, dkeys, head.stride);
  Unpack(value_sums, head.tokens, head.depth, dvalues, head.stride);
}

struct Attributes {
  int64_t heads = 1;
  DropoutAttributes dropout;
};

void Read(TF_OpKernelConstruction *construction, Attributes *attributes, TF_Status *status) {
  TF_OpKernelConstruction_GetAttrInt64(construction, "heads", &attributes->heads, status);
  if (TF_GetCode(status) == TF_OK) ReadDropout(construction, &attributes->dropout, status);
}

// The heads of a batch.
class Heads {
 public:
  Heads(const Attributes &attributes, Call *call, TF_Tensor *packed, TF_Tensor *allowed, TF_Tensor *key)
      : attributes_(attributes), packed_(Data<float>(packed)) {
    if (!call->Require(TF_NumDims(packed) == 3, "queries, keys and values are [batch, tokens, 3 × width]")) return;
    batch_ = TF_Dim(packed, 0);
    tokens_ = TF_Dim(packed, 1);
    stride_ = TF_Dim(packed, 2);
    width_ = stride_ / 3;
    const int64_t masked = TF_TensorElementCount(allowed);
    call->Require(attributes.heads > 0 && stride_ % (3 * attributes.heads) == 0, "the width is no multiple of the heads");
    call->Require(masked == 0 || masked == batch_ * tokens_, "a mask has a number for each token");
    allowed_ = masked == 0 ? nullptr : Data<float>(allowed);
    mask_ = attributes.dropout.With(key);
  }

  int count() const { return static_cast<int>(batch_ * attributes_.heads); }
  int64_t width() const { return width_; }
  int64_t outputs() const { return batch_ * tokens_ * width_; }
  std::vector<int64_t> shape() const { return {batch_, tokens_, width_}; }

  Head At(int index) const {
    const int64_t sample = index / attributes_.heads;
    const float *queries = packed_ + Inputs(index);
    return {tokens_,
            width_ / attributes_.heads,
            stride_,
            width_,
            queries,
            queries + width_,
            queries + 2 * width_,
            allowed_ == nullptr ? nullptr : allowed_ + sample * tokens_,
            mask_,
            static_cast<uint32_t>(index * tokens_ * tokens_)};
  }
  // Where the first token of a head is in the inputs, and in the outputs.
  int64_t Inputs(int index) const { return Place(index, stride_); }
  int64_t Outputs(int index) const { return Place(index, width_); }

 private:
  int64_t Place(int index, int64_t stride) const {
    const int64_t head = index % attributes_.heads;
    return index / attributes_.heads * tokens_ * stride + head * (width_ / attributes_.heads);
  }

  const Attributes &attributes_;
  const float *packed_;
  const float *allowed_ = nullptr;
  Mask mask_ = {};
  int64_t batch_ = 0;
  int64_t tokens_ = 0;
  int64_t stride_ = 0;
  int64_t width_ = 0;
};

// packed, allowed, key → y
void Attention(void *attributes, TF_OpKernelContext *context) {
  Call call(context);
  TF_Tensor *packed = call.Input(0);
  TF_Tensor *allowed = call.Input(1);
  TF_Tensor *key = call.Input(2);
  if (!call.ok()) return;
  const Heads heads(*static_cast<Attributes *>(attributes), &call, packed, allowed, key);
  TF_Tensor *y = call.Output(0, TF_FLOAT, heads.shape());
  if (!call.ok()) return;
  float *to = Data<float>(y);
  Threads::Shared().For(heads.count(), [&](int head) { Forward(heads.At(head), to + heads.Outputs(head)); });
}

// dy, packed, allowed, key → dpacked
void AttentionGrad(void *attributes, TF_OpKernelContext *context) {
  Call call(context);
  TF_Tensor *dy = call.Input(0);
  TF_Tensor *packed = call.Input(1);
  TF_Tensor *allowed = call.Input(2);
  TF_Tensor *key = call.Input(3);
  if (!call.ok()) return;
  const Heads heads(*static_cast<Attributes *>(attributes), &call, packed, allowed, key);
  if (!call.Require(TF_TensorElementCount(dy) == heads.outputs(), "dy has another shape than the output")) return;
  TF_Tensor *dpacked = call.Output(0, packed);
  if (!call.ok()) return;
  const float *slopes = Data<float>(dy);
  float *to = Data<float>(dpacked);
  Threads::Shared().For(heads.count(), [&](int head) {
    float *queries = to + heads.Inputs(head);
    Backward(heads.At(head), slopes + heads.Outputs(head), queries, queries + heads.width(), queries + 2 * heads.width());
  });
}

// The shape of the input with a third of its last axis.
void OutputShape(TF_ShapeInferenceContext *context, TF_Status *status) {
  TF_ShapeHandle *shape = TF_NewShapeHandle();
  TF_DimensionHandle *last = TF_NewDimensionHandle();
  TF_ShapeInferenceContextGetInput(context, 0, shape, status);
  if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextWithRank(context, shape, 3, shape, status);
  if (TF_GetCode(status) == TF_OK) {
    TF_ShapeInferenceContextDim(context, shape, 2, last);
    if (TF_DimensionHandleValueKnown(last)) {
      TF_ShapeHandle *width = TF_ShapeInferenceContextVectorFromSize(context, TF_DimensionHandleValue(last) / 3);
      TF_ShapeInferenceContextSubshape(context, shape, 0, 2, shape, status);
      if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextConcatenateShapes(context, shape, width, shape, status);
      if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextSetOutput(context, 0, shape, status);
      TF_DeleteShapeHandle(width);
    } else {
      TF_ShapeInferenceContextSetUnknownShape(context, status);
    }
  }
  TF_DeleteDimensionHandle(last);
  TF_DeleteShapeHandle(shape);
}

void GradientShape(TF_ShapeInferenceContext *context, TF_Status *status) { ShapeOfInput(context, 0, 1, false, status); }

}  // namespace

bool RegisterAttention() {
  const std::vector<const char *> attributes = {"T: {float}", "heads: int", "threshold: int", "kept: float"};
  return Define({"DistilleryAttention", attributes, {"packed: T", "allowed: T", "key: int32"}, {"y: T"}, OutputShape}) &&
         Define({"DistilleryAttentionGrad",
                 attributes,
                 {"dy: T", "packed: T", "allowed: T", "key: int32"},
                 {"dpacked: T"},
                 GradientShape}) &&
         Register("DistilleryAttention", TF_FLOAT, {Create<Attributes, Read>, Attention, Free<Attributes>}) &&
         Register("DistilleryAttentionGrad", TF_FLOAT, {Create<Attributes, Read>, AttentionGrad, Free<Attributes>});
}

}  // namespace tfnodejs
