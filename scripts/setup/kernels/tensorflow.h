#ifndef DISTILLERY_KERNELS_TENSORFLOW_H_
#define DISTILLERY_KERNELS_TENSORFLOW_H_

#include "tensorflow/c/c_api.h"
// Leaves out a header that the wheel lacks.
#define IS_SLIM_BUILD
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"

#endif  // DISTILLERY_KERNELS_TENSORFLOW_H_
