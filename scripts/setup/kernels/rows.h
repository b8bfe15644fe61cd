#ifndef DISTILLERY_KERNELS_ROWS_H_
#define DISTILLERY_KERNELS_ROWS_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "loops.h"

namespace tfnodejs {

// A tensor as rows of channels. Several rows count as one long one, so that the inner loops are long for few channels, too.
struct Rows {
  Rows(int64_t elements, int64_t channel_count)
      : channels(channel_count),
        count(channel_count == 0 ? 0 : elements / channel_count),
        joined(std::max<int64_t>(1, 256 / std::max<int64_t>(1, channel_count))),
        width(joined * channel_count) {
    // A part is some 64 KB, and there are at most 64.
    int64_t groups = (count + joined - 1) / joined;
    int64_t in_part = std::max<int64_t>({1, (groups + 63) / 64, (1 << 14) / std::max<int64_t>(1, width)});
    per_part = in_part * joined;
    parts = static_cast<int>((count + per_part - 1) / per_part);
  }

  // Calls visit(offset, length) for each long row of a part; the last one may be shorter.
  template <typename Visit>
  INLINE void ForEach(int part, const Visit &visit) const {
    const int64_t end = std::min(count, (part + 1) * per_part) * channels;
    for (int64_t at = part * per_part * channels; at < end; at += width) visit(at, std::min(width, end - at));
  }

  // How far from a long row the one is that is worth fetching.
  int64_t ahead() const { return 4 * width; }

  // Repeats a value of each channel for all rows of a long one.
  template <typename Value>
  std::vector<float> Repeat(const Value &value) const {
    std::vector<float> repeated(width);
    for (int64_t c = 0; c < channels; c++) repeated[c] = value(c);
    for (int64_t i = channels; i < width; i++) repeated[i] = repeated[i - channels];
    return repeated;
  }

  // Adds the sums of a long row to those of its channels.
  void Fold(const float *sums, double *into) const {
    for (int64_t j = 0; j < joined; j++) {
      for (int64_t c = 0; c < channels; c++) into[c] += sums[j * channels + c];
    }
  }

  const int64_t channels;
  const int64_t count;
  const int64_t joined;
  const int64_t width;
  int64_t per_part;
  int parts;
};

}  // namespace tfnodejs

#endif  // DISTILLERY_KERNELS_ROWS_H_
