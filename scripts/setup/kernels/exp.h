#ifndef DISTILLERY_KERNELS_EXP_H_
#define DISTILLERY_KERNELS_EXP_H_

#include <cstdint>
#include <cstring>

#include "loops.h"

namespace tfnodejs {

// exp(x) for x ≤ 0, within two units in the last place: 2ⁿ times the Taylor polynomial of the rest, which is at most ln 2 / 2.
INLINE float Exp(float x) {
  float clamped = x < -87.0f ? -87.0f : x;
  // Adding and subtracting 1.5 · 2²³ rounds to a whole number.
  constexpr float kRound = 12582912.0f;
  float n = (clamped * 1.44269504f + kRound) - kRound;
  // ln 2 in two parts, of which the first has few digits, so that its product with n is exact.
  float r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1 + r * (1 + r * (1 / 2.f + r * (1 / 6.f + r * (1 / 24.f + r * (1 / 120.f + r * (1 / 720.f))))));
  int32_t bits = (static_cast<int32_t>(n) + 127) << 23;
  float power;
  std::memcpy(&power, &bits, sizeof power);
  return p * power;
}

}  // namespace tfnodejs

#endif  // DISTILLERY_KERNELS_EXP_H_
