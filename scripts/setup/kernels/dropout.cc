// Dropout, whose mask is computed where it is used and never stored. Its gradient is dropout of the gradient with the same key.

#include <cstdint>

#include "attributes.h"
#include "call.h"
#include "define.h"
#include "kernels.h"
#include "loops.h"
#include "mask.h"
#include "threads.h"

namespace tfnodejs {

namespace {

FOR_ALL_PROCESSORS void Drop(const float *__restrict x, uint32_t first, int64_t length, Mask mask, float *__restrict y) {
  for (int64_t i = 0; i < length; i++) y[i] = x[i] * mask.Factor(first + static_cast<uint32_t>(i));
}

// x, key → y
void Dropout(void *attributes, TF_OpKernelContext *context) {
  Call call(context);
  TF_Tensor *x = call.Input(0);
  TF_Tensor *key = call.Input(1);
  TF_Tensor *y = call.Output(0, x);
  if (!call.ok() || !call.Require(TF_TensorElementCount(key) == 2, "a key has two numbers")) return;
  const Mask mask = static_cast<DropoutAttributes *>(attributes)->With(key);
  const float *from = Data<float>(x);
  float *to = Data<float>(y);
  InBlocks(TF_TensorElementCount(x), [&](int64_t at, int64_t length) {
    Drop(from + at, static_cast<uint32_t>(at), length, mask, to + at);
  });
}

}  // namespace

bool RegisterDropout() {
  return Define({"DistilleryDropout",
                 {"T: {float}", "threshold: int", "kept: float"},
                 {"x: T", "key: int32"},
                 {"y: T"},
                 FirstInput}) &&
         Register("DistilleryDropout", TF_FLOAT,
                  {Create<DropoutAttributes, ReadDropout>, Dropout, Free<DropoutAttributes>});
}

}  // namespace tfnodejs
