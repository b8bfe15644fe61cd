#ifndef DISTILLERY_KERNELS_H_
#define DISTILLERY_KERNELS_H_

namespace tfnodejs {

// Registers the operations and CPU kernels of kernels.cc with TensorFlow, once a process. Returns whether that worked.
bool RegisterKernels();

}  // namespace tfnodejs

#endif  // DISTILLERY_KERNELS_H_
