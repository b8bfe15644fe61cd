#ifndef DISTILLERY_KERNELS_DEFINE_H_
#define DISTILLERY_KERNELS_DEFINE_H_

#include <string>
#include <vector>

#include "tensorflow.h"

namespace tfnodejs {

// Tells TensorFlow the shape of an output: that of an input, or its last axis alone.
inline void ShapeOfInput(TF_ShapeInferenceContext *context, int output, int input, bool channels_alone, TF_Status *status) {
  TF_ShapeHandle *shape = TF_NewShapeHandle();
  TF_ShapeInferenceContextGetInput(context, input, shape, status);
  if (TF_GetCode(status) == TF_OK && channels_alone) {
    TF_ShapeInferenceContextWithRankAtLeast(context, shape, 1, shape, status);
    int64_t rank = TF_ShapeInferenceContextRank(context, shape);
    if (TF_GetCode(status) == TF_OK) {
      TF_ShapeInferenceContextSubshape(context, shape, rank - 1, rank, shape, status);
    }
  }
  if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextSetOutput(context, output, shape, status);
  TF_DeleteShapeHandle(shape);
}

// The first output has the shape of the first input.
inline void FirstInput(TF_ShapeInferenceContext *context, TF_Status *status) {
  ShapeOfInput(context, 0, 0, false, status);
}

// An operation, in the language of TensorFlow's op definitions.
struct Definition {
  const char *name;
  std::vector<const char *> attributes;
  std::vector<const char *> inputs;
  std::vector<const char *> outputs;
  void (*shapes)(TF_ShapeInferenceContext *, TF_Status *);
};

inline bool Define(const Definition &definition) {
  TF_OpDefinitionBuilder *builder = TF_NewOpDefinitionBuilder(definition.name);
  for (const char *attribute : definition.attributes) TF_OpDefinitionBuilderAddAttr(builder, attribute);
  for (const char *input : definition.inputs) TF_OpDefinitionBuilderAddInput(builder, input);
  for (const char *output : definition.outputs) TF_OpDefinitionBuilderAddOutput(builder, output);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(builder, definition.shapes);
  TF_Status *status = TF_NewStatus();
  TF_RegisterOpDefinition(builder, status);
  bool ok = TF_GetCode(status) == TF_OK;
  TF_DeleteStatus(status);
  return ok;
}

struct Kernel {
  void *(*create)(TF_OpKernelConstruction *);
  void (*compute)(void *, TF_OpKernelContext *);
  void (*free)(void *);
};

inline bool Register(const char *operation, TF_DataType type, const Kernel &kernel) {
  TF_Status *status = TF_NewStatus();
  TF_KernelBuilder *builder = TF_NewKernelBuilder(operation, "CPU", kernel.create, kernel.compute, kernel.free);
  TF_KernelBuilder_TypeConstraint(builder, "T", type, status);
  const std::string name = std::string(operation) + (type == TF_FLOAT ? "Float32" : "Bfloat16");
  if (TF_GetCode(status) == TF_OK) TF_RegisterKernelBuilder(name.c_str(), builder, status);
  bool ok = TF_GetCode(status) == TF_OK;
  TF_DeleteStatus(status);
  return ok;
}

}  // namespace tfnodejs

#endif  // DISTILLERY_KERNELS_DEFINE_H_
