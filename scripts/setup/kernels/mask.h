#ifndef DISTILLERY_KERNELS_MASK_H_
#define DISTILLERY_KERNELS_MASK_H_

#include <cstdint>

#include "call.h"
#include "loops.h"

namespace tfnodejs {

// The elements that dropout keeps. Whether it keeps one is a function of a key and its index alone, so threads may take any
// part, and the gradient computes it again. `maskOf` in packages/engine/source/ops/dropout.ts is the same function.
struct Mask {
  uint32_t first;
  uint32_t second;
  // An element is dropped where its number is below.
  uint32_t threshold;
  // The factor of the others.
  float kept;

  // A Weyl sequence with a step and a start of the key's, hashed by two rounds of multiply and xorshift, whose constants are
  // C. Wellons' (hash-prospector, 2022).
  INLINE float Factor(uint32_t index) const {
    uint32_t x = index * (second | 1) + first;
    x ^= x >> 16;
    x *= 0x21f0aaadu;
    x ^= x >> 15;
    x *= 0x735a2d97u;
    x ^= x >> 15;
    return x < threshold ? 0.0f : kept;
  }
};

// The attributes of an operation that drops elements.
struct DropoutAttributes {
  int64_t threshold = 0;
  float kept = 1;

  // @param key two numbers, or none where nothing is dropped
  Mask With(const TF_Tensor *key) const {
    const bool drops = TF_TensorElementCount(key) == 2;
    const uint32_t *numbers = Data<uint32_t>(key);
    return {drops ? numbers[0] : 0, drops ? numbers[1] : 0, drops ? static_cast<uint32_t>(threshold) : 0, kept};
  }
};

inline void ReadDropout(TF_OpKernelConstruction *construction, DropoutAttributes *attributes, TF_Status *status) {
  TF_OpKernelConstruction_GetAttrInt64(construction, "threshold", &attributes->threshold, status);
  if (TF_GetCode(status) == TF_OK) {
    TF_OpKernelConstruction_GetAttrFloat(construction, "kept", &attributes->kept, status);
  }
}

}  // namespace tfnodejs

#endif  // DISTILLERY_KERNELS_MASK_H_
