#ifndef DISTILLERY_KERNELS_LOOPS_H_
#define DISTILLERY_KERNELS_LOOPS_H_

#include <cstdint>
#include <cstring>

// The compiler makes a version of each loop for the vectors of each kind of processor, and the loader chooses one.
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__)
#define FOR_ALL_PROCESSORS __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FOR_ALL_PROCESSORS
#endif
#define INLINE inline __attribute__((always_inline))

namespace tfnodejs {

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

// Asks for numbers that will be read or written two long rows later. The processor does that by itself only for few streams at
// once: measured on tensors larger than its cache, sums take half the time with it.
template <typename T>
INLINE void Prefetch(const T *numbers, int64_t length) {
  constexpr int64_t kInLine = 64 / sizeof(T);
  for (int64_t i = 0; i < length; i += kInLine) __builtin_prefetch(numbers + i);
}

// How many numbers a loop sums side by side, as it is written; the compiler uses as many as a vector holds.
constexpr int kLanes = 16;
typedef float Lanes __attribute__((vector_size(kLanes * sizeof(float)), aligned(sizeof(float)), may_alias));

// By reference, because vectors as results would be passed in different ways on different processors.
INLINE const Lanes &At(const float *from) { return *reinterpret_cast<const Lanes *>(from); }

INLINE float SumOf(const Lanes &lanes) {
  float sum = 0;
  for (int i = 0; i < kLanes; i++) sum += lanes[i];
  return sum;
}

}  // namespace tfnodejs

#endif  // DISTILLERY_KERNELS_LOOPS_H_
