// Layer normalisation and its gradient, each in one pass, which take TensorFlow about ten.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "attributes.h"
#include "call.h"
#include "define.h"
#include "kernels.h"
#include "loops.h"
#include "threads.h"

namespace tfnodejs {

namespace {

struct Moments {
  float mean;
  // 1 / √(variance + ε)
  float inverse;
};

INLINE Moments MomentsOf(const float *x, int64_t width, float epsilon) {
  Lanes lanes = {};
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) lanes += At(x + i);
  float sum = SumOf(lanes);
  for (; i < width; i++) sum += x[i];
  const float mean = sum / static_cast<float>(width);
  Lanes squares = {};
  for (i = 0; i + kLanes <= width; i += kLanes) {
    Lanes distance = At(x + i) - mean;
    squares += distance * distance;
  }
  float variance = SumOf(squares);
  for (; i < width; i++) variance += (x[i] - mean) * (x[i] - mean);
  return {mean, 1 / std::sqrt(variance / static_cast<float>(width) + epsilon)};
}

FOR_ALL_PROCESSORS void Forward(const float *__restrict x, const float *__restrict scale,
                                const float *__restrict offset, int64_t rows, int64_t width, float epsilon,
                                float *__restrict y) {
  for (int64_t row = 0; row < rows; row++, x += width, y += width) {
    const Moments moments = MomentsOf(x, width, epsilon);
    for (int64_t i = 0; i < width; i++) y[i] = (x[i] - moments.mean) * moments.inverse * scale[i] + offset[i];
  }
}

// Adds the gradients of scale and offset to `dscale` and `doffset`.
FOR_ALL_PROCESSORS void Backward(const float *__restrict dy, const float *__restrict x, const float *__restrict scale,
                                 int64_t rows, int64_t width, float epsilon, float *__restrict dx,
                                 float *__restrict dscale, float *__restrict doffset) {
  for (int64_t row = 0; row < rows; row++, dy += width, x += width, dx += width) {
    const Moments moments = MomentsOf(x, width, epsilon);
    Lanes sums = {}, products = {};
    int64_t i = 0;
    for (; i + kLanes <= width; i += kLanes) {
      Lanes slope = At(dy + i) * At(scale + i);
      sums += slope;
      products += slope * (At(x + i) - moments.mean);
    }
    float level = SumOf(sums);
    float along = SumOf(products);
    for (; i < width; i++) {
      level += dy[i] * scale[i];
      along += dy[i] * scale[i] * (x[i] - moments.mean);
    }
    // Components that only change the mean or the length of the vector have no effect.
    level /= static_cast<float>(width);
    along *= moments.inverse / static_cast<float>(width);
    for (i = 0; i < width; i++) {
      const float normal = (x[i] - moments.mean) * moments.inverse;
      dx[i] = moments.inverse * (dy[i] * scale[i] - level - normal * along);
      dscale[i] += dy[i] * normal;
      doffset[i] += dy[i];
    }
  }
}

// The parts of a loop over rows, which depend on the shape alone.
struct Parts {
  Parts(int64_t row_count, int64_t width)
      : rows(row_count),
        per_part(std::max<int64_t>({1, (row_count + 63) / 64, (1 << 14) / std::max<int64_t>(1, width)})),
        count(static_cast<int>((row_count + per_part - 1) / per_part)) {}
  int64_t Begin(int part) const { return part * per_part; }
  int64_t Length(int part) const { return std::min(per_part, rows - Begin(part)); }

  const int64_t rows;
  const int64_t per_part;
  const int count;
};

void ReadEpsilon(TF_OpKernelConstruction *construction, float *epsilon, TF_Status *status) {
  TF_OpKernelConstruction_GetAttrFloat(construction, "epsilon", epsilon, status);
}

// x, scale, offset → y
void LayerNorm(void *attribute, TF_OpKernelContext *context) {
  Call call(context);
  TF_Tensor *x = call.Input(0);
  TF_Tensor *scale = call.Input(1);
  TF_Tensor *offset = call.Input(2);
  TF_Tensor *y = call.Output(0, x);
  if (!call.ok()) return;
  const int64_t width = ChannelsOf(x);
  if (!call.Require(TF_TensorElementCount(scale) == width && TF_TensorElementCount(offset) == width,
                    "scale and offset need a value for each element of the last axis"))
    return;
  const Parts parts(width == 0 ? 0 : TF_TensorElementCount(x) / width, width);
  const float *from = Data<float>(x);
  float *to = Data<float>(y);
  Threads::Shared().For(parts.count, [&](int part) {
    const int64_t at = parts.Begin(part) * width;
    Forward(from + at, Data<float>(scale), Data<float>(offset), parts.Length(part), width,
            *static_cast<float *>(attribute), to + at);
  });
}

// dy, x, scale → dx, dscale, doffset
void LayerNormGrad(void *attribute, TF_OpKernelContext *context) {
  Call call(context);
  TF_Tensor *dy = call.Input(0);
  TF_Tensor *x = call.Input(1);
  TF_Tensor *scale = call.Input(2);
  TF_Tensor *dx = call.Output(0, x);
  if (!call.ok()) return;
  const int64_t width = ChannelsOf(x);
  float *dscale = call.OfChannels(1, width);
  float *doffset = call.OfChannels(2, width);
  if (!call.Require(TF_TensorElementCount(scale) == width &&
                        TF_TensorElementCount(dy) == TF_TensorElementCount(x),
                    "dy and x, or scale and their last axis, differ in shape"))
    return;
  const Parts parts(width == 0 ? 0 : TF_TensorElementCount(x) / width, width);
  const float *slopes = Data<float>(dy);
  const float *from = Data<float>(x);
  float *to = Data<float>(dx);
  std::vector<float> sums(2 * width * parts.count);
  Threads::Shared().For(parts.count, [&](int part) {
    const int64_t at = parts.Begin(part) * width;
    float *of_part = sums.data() + 2 * width * part;
    Backward(slopes + at, from + at, Data<float>(scale), parts.Length(part), width,
             *static_cast<float *>(attribute), to + at, of_part, of_part + width);
  });
  for (int64_t i = 0; i < width; i++) {
    double products = 0, sum = 0;
    for (int part = 0; part < parts.count; part++) {
      products += sums[2 * width * part + i];
      sum += sums[2 * width * part + width + i];
    }
    dscale[i] = static_cast<float>(products);
    doffset[i] = static_cast<float>(sum);
  }
}

void GradientShapes(TF_ShapeInferenceContext *context, TF_Status *status) {
  ShapeOfInput(context, 0, 1, false, status);
  for (int output : {1, 2}) {
    if (TF_GetCode(status) == TF_OK) ShapeOfInput(context, output, 1, true, status);
  }
}

}  // namespace

bool RegisterLayerNorm() {
  const std::vector<const char *> attributes = {"T: {float}", "epsilon: float"};
  return Define({"DistilleryLayerNorm", attributes, {"x: T", "scale: T", "offset: T"}, {"y: T"}, FirstInput}) &&
         Define({"DistilleryLayerNormGrad",
                 attributes,
                 {"dy: T", "x: T", "scale: T"},
                 {"dx: T", "dscale: T", "doffset: T"},
                 GradientShapes}) &&
         Register("DistilleryLayerNorm", TF_FLOAT, {Create<float, ReadEpsilon>, LayerNorm, Free<float>}) &&
         Register("DistilleryLayerNormGrad", TF_FLOAT, {Create<float, ReadEpsilon>, LayerNormGrad, Free<float>});
}

}  // namespace tfnodejs
