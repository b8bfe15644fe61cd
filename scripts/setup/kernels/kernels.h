#ifndef DISTILLERY_KERNELS_KERNELS_H_
#define DISTILLERY_KERNELS_KERNELS_H_

namespace tfnodejs {

// Each registers its operations and their CPU kernels with TensorFlow and returns whether that worked.
bool RegisterAttention();
bool RegisterBatchNorm();
bool RegisterDropout();
bool RegisterGelu();
bool RegisterLayerNorm();
bool RegisterOptimizers();
bool RegisterShuffle();

// Registers all of them, once a process.
inline bool RegisterKernels() {
  static const bool registered = RegisterAttention() && RegisterBatchNorm() && RegisterDropout() && RegisterGelu() &&
                                 RegisterLayerNorm() && RegisterOptimizers() && RegisterShuffle();
  return registered;
}

}  // namespace tfnodejs

#endif  // DISTILLERY_KERNELS_KERNELS_H_
