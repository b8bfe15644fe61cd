// Dropout, whose mask is computed where it is used and never stored. Its gradient is dropout of the gradient with the same key.

#include <algorithm>
#include <cstdint>
#include <memory>

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

void *ReadDropout(TF_OpKernelConstruction *construction) {
  auto attributes = std::make_unique<DropoutAttributes>();
  TF_Status *status = TF_NewStatus();
  attributes->Read(construction, status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return attributes.release();
}

void FreeDropout(void *attributes) { delete static_cast<DropoutAttributes *>(attributes); }

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
  constexpr int64_t kBlock = 1 << 14;
  const int64_t elements = TF_TensorElementCount(x);
  Threads::Shared().For(static_cast<int>((elements + kBlock - 1) / kBlock), [&](int block) {
    const int64_t at = block * kBlock;
    Drop(from + at, static_cast<uint32_t>(at), std::min(kBlock, elements - at), mask, to + at);
  });
}

}  // namespace

bool RegisterDropout() {
  return Define({"DistilleryDropout",
                 {"T: {float}", "threshold: int", "kept: float"},
                 {"x: T", "key: int32"},
                 {"y: T"},
                 FirstInput}) &&
         Register("DistilleryDropout", TF_FLOAT, {ReadDropout, Dropout, FreeDropout});
}

}  // namespace tfnodejs
