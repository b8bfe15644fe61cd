// GELU and its gradient, each in one pass, which take TensorFlow five and seven.

#include <cmath>
#include <cstdint>

#include "call.h"
#include "define.h"
#include "exp.h"
#include "kernels.h"
#include "loops.h"
#include "threads.h"

namespace tfnodejs {

namespace {

// The density exp(−x²/2) / √(2π), and Φ(x) = (1 + erf(x/√2)) / 2 by formula 7.1.26 of Abramowitz and Stegun, whose error is at
// most 1.5e-7 for erf.
struct Normal {
  float density;
  float share;
};
INLINE Normal NormalAt(float x) {
  float z = (x < 0 ? -x : x) * 0.70710678f;
  float power = Exp(-z * z);
  float t = 1 / (1 + 0.3275911f * z);
  float polynomial =
      t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
  float beyond = 0.5f * polynomial * power;
  return {power * 0.39894228f, x < 0 ? beyond : 1 - beyond};
}

FOR_ALL_PROCESSORS void Forward(const float *__restrict x, int64_t length, float *__restrict y) {
  for (int64_t i = 0; i < length; i++) y[i] = x[i] * NormalAt(x[i]).share;
}

FOR_ALL_PROCESSORS void Backward(const float *__restrict dy, const float *__restrict x, int64_t length,
                                 float *__restrict dx) {
  for (int64_t i = 0; i < length; i++) {
    Normal normal = NormalAt(x[i]);
    dx[i] = dy[i] * (normal.share + x[i] * normal.density);
  }
}

void Gelu(void *, TF_OpKernelContext *context) {
  Call call(context);
  TF_Tensor *x = call.Input(0);
  TF_Tensor *y = call.Output(0, x);
  if (!call.ok()) return;
  const float *from = Data<float>(x);
  float *to = Data<float>(y);
  InBlocks(TF_TensorElementCount(x), [&](int64_t at, int64_t length) { Forward(from + at, length, to + at); });
}

void GeluGrad(void *, TF_OpKernelContext *context) {
  Call call(context);
  TF_Tensor *dy = call.Input(0);
  TF_Tensor *x = call.Input(1);
  TF_Tensor *dx = call.Output(0, x);
  if (!call.ok()) return;
  if (!call.Require(TF_TensorElementCount(dy) == TF_TensorElementCount(x), "dy and x differ in shape")) return;
  const float *slopes = Data<float>(dy);
  const float *from = Data<float>(x);
  float *to = Data<float>(dx);
  InBlocks(TF_TensorElementCount(x),
           [&](int64_t at, int64_t length) { Backward(slopes + at, from + at, length, to + at); });
}

}  // namespace

bool RegisterGelu() {
  return Define({"DistilleryGelu", {"T: {float}"}, {"x: T"}, {"y: T"}, FirstInput}) &&
         Define({"DistilleryGeluGrad", {"T: {float}"}, {"dy: T", "x: T"}, {"dx: T"}, FirstInput}) &&
         Register("DistilleryGelu", TF_FLOAT, {nullptr, Gelu, nullptr}) &&
         Register("DistilleryGeluGrad", TF_FLOAT, {nullptr, GeluGrad, nullptr});
}

}  // namespace tfnodejs
