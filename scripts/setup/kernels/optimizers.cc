// The steps of optimizers over all parameters at once. TensorFlow's operations take a parameter each, so that a network of many
// small ones spends more time on calls than on numbers.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "attributes.h"
#include "call.h"
#include "define.h"
#include "kernels.h"
#include "loops.h"
#include "threads.h"

namespace tfnodejs {

namespace {

// The numbers of a step. What an optimizer does not have is unused.
struct Numbers {
  float rate;
  float epsilon;
  float beta1;
  float beta2;
  float momentum;
  bool nesterov;
};

// A block of a parameter with its slots before and after the step. No two of its arrays overlap.
struct Block {
  const float *value;
  const float *gradient;
  const float *slots[2];
  float *next;
  float *next_slots[2];
  int64_t length;
};

FOR_ALL_PROCESSORS void AdamStep(const Block &block, const Numbers &numbers) {
  const float *__restrict value = block.value, *__restrict gradient = block.gradient;
  const float *__restrict first = block.slots[0], *__restrict second = block.slots[1];
  float *__restrict next = block.next;
  float *__restrict next_first = block.next_slots[0], *__restrict next_second = block.next_slots[1];
  const float rate = numbers.rate, epsilon = numbers.epsilon;
  const float beta1 = numbers.beta1, beta2 = numbers.beta2;
#pragma GCC ivdep
  for (int64_t i = 0; i < block.length; i++) {
    float g = gradient[i];
    float m = first[i] + (g - first[i]) * (1 - beta1);
    float v = second[i] + (g * g - second[i]) * (1 - beta2);
    next_first[i] = m;
    next_second[i] = v;
    next[i] = value[i] - rate * m / (std::sqrt(v) + epsilon);
  }
}

FOR_ALL_PROCESSORS void MomentumStep(const Block &block, const Numbers &numbers) {
  const float *__restrict value = block.value, *__restrict gradient = block.gradient;
  const float *__restrict slot = block.slots[0];
  float *__restrict next = block.next, *__restrict next_slot = block.next_slots[0];
  const float rate = numbers.rate, momentum = numbers.momentum;
  // 1 for Nesterov's momentum, which adds the gradient to what it already holds of it.
  const float of_slot = numbers.nesterov ? momentum : 1, of_gradient = numbers.nesterov ? 1 : 0;
#pragma GCC ivdep
  for (int64_t i = 0; i < block.length; i++) {
    float m = slot[i] * momentum + gradient[i];
    next_slot[i] = m;
    next[i] = value[i] - rate * (of_slot * m + of_gradient * gradient[i]);
  }
}

FOR_ALL_PROCESSORS void DescentStep(const Block &block, const Numbers &numbers) {
  const float *__restrict value = block.value, *__restrict gradient = block.gradient;
  float *__restrict next = block.next;
#pragma GCC ivdep
  for (int64_t i = 0; i < block.length; i++) next[i] = value[i] - numbers.rate * gradient[i];
}

struct Options {
  int32_t count = 0;
  Numbers numbers = {};
};

template <bool is_adam, bool has_momentum>
void ReadOptions(TF_OpKernelConstruction *construction, Options *options, TF_Status *status) {
  Numbers &numbers = options->numbers;
  TF_OpKernelConstruction_GetAttrInt32(construction, "N", &options->count, status);
  auto read = [&](const char *name, float *number) {
    if (TF_GetCode(status) == TF_OK) TF_OpKernelConstruction_GetAttrFloat(construction, name, number, status);
  };
  if (is_adam) {
    read("beta1", &numbers.beta1);
    read("beta2", &numbers.beta2);
  }
  if (has_momentum) {
    read("momentum", &numbers.momentum);
    unsigned char nesterov = 0;
    if (TF_GetCode(status) == TF_OK) {
      TF_OpKernelConstruction_GetAttrBool(construction, "nesterov", &nesterov, status);
    }
    numbers.nesterov = nesterov != 0;
  }
}

// values, gradients, slots of each kind (N tensors each), rate[, ε] → new values, new slots
template <int kSlots, void (*step)(const Block &, const Numbers &), bool is_adam>
void Step(void *attribute, TF_OpKernelContext *context) {
  const Options &options = *static_cast<Options *>(attribute);
  const int count = options.count;
  constexpr int64_t kBlock = 1 << 14;
  Call call(context);
  Numbers numbers = options.numbers;
  auto scalar = [&](int at) {
    TF_Tensor *tensor = call.Input(at);
    return call.Require(tensor != nullptr && TF_TensorElementCount(tensor) == 1, "the rate and epsilon are scalars")
               ? *Data<float>(tensor)
               : 0.0f;
  };
  numbers.rate = scalar((2 + kSlots) * count);
  if (is_adam) numbers.epsilon = scalar((2 + kSlots) * count + 1);
  std::vector<Block> blocks;
  for (int i = 0; i < count && call.ok(); i++) {
    TF_Tensor *value = call.Input(i);
    TF_Tensor *gradient = call.Input(count + i);
    TF_Tensor *next = call.Output(i, value);
    if (!call.ok()) return;
    const int64_t elements = TF_TensorElementCount(value);
    Block whole = {Data<float>(value), Data<float>(gradient), {}, Data<float>(next), {}, elements};
    bool fits = TF_TensorElementCount(gradient) == elements;
    for (int slot = 0; slot < kSlots; slot++) {
      TF_Tensor *before = call.Input((2 + slot) * count + i);
      TF_Tensor *after = call.Output((1 + slot) * count + i, value);
      if (!call.ok()) return;
      fits = fits && TF_TensorElementCount(before) == elements;
      whole.slots[slot] = Data<float>(before);
      whole.next_slots[slot] = Data<float>(after);
    }
    if (!call.Require(fits, "a parameter, its gradient and its slots differ in shape")) return;
    for (int64_t at = 0; at < elements; at += kBlock) {
      Block block = {whole.value + at, whole.gradient + at, {}, whole.next + at, {}, std::min(kBlock, elements - at)};
      for (int slot = 0; slot < kSlots; slot++) {
        block.slots[slot] = whole.slots[slot] + at;
        block.next_slots[slot] = whole.next_slots[slot] + at;
      }
      blocks.push_back(block);
    }
  }
  if (!call.ok()) return;
  // Several small parameters make a part together.
  constexpr int64_t kPart = 4 * kBlock;
  std::vector<size_t> begins;
  int64_t held = kPart;
  for (size_t i = 0; i < blocks.size(); i++) {
    if (held >= kPart) {
      begins.push_back(i);
      held = 0;
    }
    held += blocks[i].length;
  }
  Threads::Shared().For(static_cast<int>(begins.size()), [&](int part) {
    const size_t end = part + 1 < static_cast<int>(begins.size()) ? begins[part + 1] : blocks.size();
    for (size_t i = begins[part]; i < end; i++) step(blocks[i], numbers);
  });
}

// Each output is like the value of its parameter.
void StepShapes(TF_ShapeInferenceContext *context, TF_Status *status, int lists, int scalars, int slots) {
  const int count = static_cast<int>(TF_ShapeInferenceContextNumInputs(context) - scalars) / lists;
  for (int i = 0; i < (1 + slots) * count && TF_GetCode(status) == TF_OK; i++) {
    ShapeOfInput(context, i, i % count, false, status);
  }
}
void AdamShapes(TF_ShapeInferenceContext *context, TF_Status *status) { StepShapes(context, status, 4, 2, 2); }
void MomentumShapes(TF_ShapeInferenceContext *context, TF_Status *status) { StepShapes(context, status, 3, 1, 1); }
void DescentShapes(TF_ShapeInferenceContext *context, TF_Status *status) { StepShapes(context, status, 2, 1, 0); }

}  // namespace

bool RegisterOptimizers() {
  const char *type = "T: {float}";
  const char *count = "N: int >= 1";
  return Define({"DistilleryAdam",
                 {type, count, "beta1: float", "beta2: float"},
                 {"values: N * T", "gradients: N * T", "first: N * T", "second: N * T", "rate: T", "epsilon: T"},
                 {"next: N * T", "next_first: N * T", "next_second: N * T"},
                 AdamShapes}) &&
         Define({"DistilleryMomentum",
                 {type, count, "momentum: float", "nesterov: bool"},
                 {"values: N * T", "gradients: N * T", "slots: N * T", "rate: T"},
                 {"next: N * T", "next_slots: N * T"},
                 MomentumShapes}) &&
         Define({"DistilleryDescent",
                 {type, count},
                 {"values: N * T", "gradients: N * T", "rate: T"},
                 {"next: N * T"},
                 DescentShapes}) &&
         Register("DistilleryAdam", TF_FLOAT, {Create<Options, ReadOptions<true, false>>, Step<2, AdamStep, true>, Free<Options>}) &&
         Register("DistilleryMomentum", TF_FLOAT,
                  {Create<Options, ReadOptions<false, true>>, Step<1, MomentumStep, false>, Free<Options>}) &&
         Register("DistilleryDescent", TF_FLOAT,
                  {Create<Options, ReadOptions<false, false>>, Step<0, DescentStep, false>, Free<Options>});
}

}  // namespace tfnodejs
