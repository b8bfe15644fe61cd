#ifndef DISTILLERY_KERNELS_ATTRIBUTES_H_
#define DISTILLERY_KERNELS_ATTRIBUTES_H_

#include <memory>

#include "tensorflow.h"

namespace tfnodejs {

// Creates the attributes of a kernel. `read` fills them in, or sets a status that TensorFlow then reports.
template <typename Attributes, void (*read)(TF_OpKernelConstruction *, Attributes *, TF_Status *)>
void *Create(TF_OpKernelConstruction *construction) {
  auto attributes = std::make_unique<Attributes>();
  TF_Status *status = TF_NewStatus();
  read(construction, attributes.get(), status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return attributes.release();
}

template <typename Attributes>
void Free(void *attributes) {
  delete static_cast<Attributes *>(attributes);
}

}  // namespace tfnodejs

#endif  // DISTILLERY_KERNELS_ATTRIBUTES_H_
