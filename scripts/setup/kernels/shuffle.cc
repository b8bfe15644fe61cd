// Channel shuffles, which are transpositions of short rows: TensorFlow's own take several times as long.

#include <algorithm>
#include <cstdint>

#include "attributes.h"
#include "call.h"
#include "define.h"
#include "kernels.h"
#include "loops.h"
#include "rows.h"
#include "threads.h"

namespace tfnodejs {

namespace {

// Two halves of channels, of which one is from each group in turn; and back.
FOR_ALL_PROCESSORS void Interleave(const float *__restrict x, int64_t half, float *__restrict y) {
  for (int64_t c = 0; c < half; c++) {
    y[2 * c] = x[c];
    y[2 * c + 1] = x[half + c];
  }
}
FOR_ALL_PROCESSORS void Separate(const float *__restrict x, int64_t half, float *__restrict y) {
  for (int64_t c = 0; c < half; c++) {
    y[c] = x[2 * c];
    y[half + c] = x[2 * c + 1];
  }
}

void ReadGroups(TF_OpKernelConstruction *construction, int32_t *groups, TF_Status *status) {
  TF_OpKernelConstruction_GetAttrInt32(construction, "groups", groups, status);
}

// Channel j of group i of x is channel i of group j of y.
void Shuffle(void *attribute, TF_OpKernelContext *context) {
  const int64_t groups = *static_cast<int32_t *>(attribute);
  Call call(context);
  TF_Tensor *x = call.Input(0);
  if (!call.ok()) return;
  const Rows rows(TF_TensorElementCount(x), ChannelsOf(x));
  if (!call.Require(groups > 0 && rows.channels % groups == 0, "the channels must be a multiple of the groups"))
    return;
  TF_Tensor *y = call.Output(0, x);
  if (!call.ok()) return;
  const int64_t in_group = rows.channels / groups;
  const float *from = Data<float>(x);
  float *to = Data<float>(y);
  Threads::Shared().For(rows.parts, [&](int part) {
    const int64_t end = std::min(rows.count, (part + 1) * rows.per_part);
    for (int64_t row = part * rows.per_part; row < end; row++) {
      const float *in = from + row * rows.channels;
      float *out = to + row * rows.channels;
      if (groups == 2) {
        Interleave(in, in_group, out);
      } else if (in_group == 2) {
        Separate(in, groups, out);
      } else {
        for (int64_t group = 0; group < groups; group++) {
          for (int64_t c = 0; c < in_group; c++) out[c * groups + group] = in[group * in_group + c];
        }
      }
    }
  });
}

}  // namespace

bool RegisterShuffle() {
  return Define({"DistilleryShuffle", {"T: {float}", "groups: int"}, {"x: T"}, {"y: T"}, FirstInput}) &&
         Register("DistilleryShuffle", TF_FLOAT, {Create<int32_t, ReadGroups>, Shuffle, Free<int32_t>});
}

}  // namespace tfnodejs
