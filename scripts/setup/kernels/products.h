#ifndef DISTILLERY_KERNELS_PRODUCTS_H_
#define DISTILLERY_KERNELS_PRODUCTS_H_

#include <cstdint>

#include "loops.h"

namespace tfnodejs {

// A matrix whose element (i, k) is at rows·i + columns·k.
struct Matrix {
  const float *data;
  int64_t row;
  int64_t column;
};

INLINE int64_t InLanes(int64_t length) { return (length + kLanes - 1) / kLanes * kLanes; }

// Computes `kRows` rows of a product in as many registers as a processor with AVX-512 needs to be busy.
template <int kRows, int kColumns, bool kAdd>
INLINE void Tile(Matrix a, int64_t depth, const float *b, int64_t width, float *c, int64_t stride) {
  Lanes sums[kRows][kColumns];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; r++) {
#pragma GCC unroll 2
    for (int l = 0; l < kColumns; l++) {
      if (kAdd) {
        sums[r][l] = At(c + r * stride + l * kLanes);
      } else {
        sums[r][l] = Lanes{};
      }
    }
  }
  for (int64_t k = 0; k < depth; k++, b += width) {
#pragma GCC unroll 4
    for (int r = 0; r < kRows; r++) {
      const float factor = a.data[r * a.row + k * a.column];
#pragma GCC unroll 2
      for (int l = 0; l < kColumns; l++) sums[r][l] += factor * At(b + l * kLanes);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < kRows; r++) {
#pragma GCC unroll 2
    for (int l = 0; l < kColumns; l++) *reinterpret_cast<Lanes *>(c + r * stride + l * kLanes) = sums[r][l];
  }
}

template <int kColumns, bool kAdd>
INLINE void Panel(Matrix a, int64_t rows, int64_t depth, const float *b, int64_t width, float *c, int64_t stride) {
  int64_t i = 0;
  for (; i + 4 <= rows; i += 4) {
    Tile<4, kColumns, kAdd>({a.data + i * a.row, a.row, a.column}, depth, b, width, c + i * stride, stride);
  }
  for (; i < rows; i++) {
    Tile<1, kColumns, kAdd>({a.data + i * a.row, a.row, a.column}, depth, b, width, c + i * stride, stride);
  }
}

// c = a · b, or c += a · b, for matrices that fit into the cache of a core. The rows of `b` and `c` are as wide as whole lanes.
//
// @param a [rows, depth]
// @param b [depth, width]
// @param c [rows, width]
template <bool kAdd>
INLINE void Product(Matrix a, int64_t rows, int64_t depth, const float *b, int64_t width, float *c) {
  int64_t j = 0;
  for (; j + 2 * kLanes <= width; j += 2 * kLanes) Panel<2, kAdd>(a, rows, depth, b + j, width, c + j, width);
  if (j < width) Panel<1, kAdd>(a, rows, depth, b + j, width, c + j, width);
}

}  // namespace tfnodejs

#endif  // DISTILLERY_KERNELS_PRODUCTS_H_
