#ifndef DISTILLERY_KERNELS_CALL_H_
#define DISTILLERY_KERNELS_CALL_H_

#include <cstdint>
#include <vector>

#include "tensorflow.h"

namespace tfnodejs {

// The inputs and outputs of a call. After a failure, which TensorFlow reports, `ok` is false and nothing may be read.
class Call {
 public:
  explicit Call(TF_OpKernelContext *context) : context_(context), status_(TF_NewStatus()) {}
  Call(const Call &) = delete;
  ~Call() {
    for (TF_Tensor *tensor : tensors_) TF_DeleteTensor(tensor);
    TF_DeleteStatus(status_);
  }

  bool ok() const { return ok_; }
  bool Require(bool condition, const char *what) {
    if (ok_ && !condition) {
      TF_SetStatus(status_, TF_INVALID_ARGUMENT, what);
      Check();
    }
    return ok_;
  }

  TF_Tensor *Input(int at) {
    TF_Tensor *tensor = nullptr;
    if (ok_) TF_GetInput(context_, at, &tensor, status_);
    return Keep(tensor);
  }

  // A new tensor with the shape and type of another one.
  TF_Tensor *Output(int at, const TF_Tensor *like) {
    if (!ok_) return nullptr;
    std::vector<int64_t> shape;
    for (int i = 0; i < TF_NumDims(like); i++) shape.push_back(TF_Dim(like, i));
    return Output(at, TF_TensorType(like), shape);
  }
  // A new tensor.
  TF_Tensor *Output(int at, TF_DataType type, const std::vector<int64_t> &shape) {
    if (!ok_) return nullptr;
    size_t size = TF_DataTypeSize(type);
    for (int64_t length : shape) size *= length;
    return Keep(TF_AllocateOutput(context_, at, type, shape.data(), static_cast<int>(shape.size()), size, status_));
  }
  // A new tensor of float32 with a value for each channel.
  float *OfChannels(int at, int64_t channels) {
    TF_Tensor *tensor = Output(at, TF_FLOAT, {channels});
    return ok_ ? static_cast<float *>(TF_TensorData(tensor)) : nullptr;
  }

 private:
  TF_Tensor *Keep(TF_Tensor *tensor) {
    if (tensor != nullptr) tensors_.push_back(tensor);
    Check();
    return tensor;
  }

  void Check() {
    if (!ok_ || TF_GetCode(status_) == TF_OK) return;
    TF_OpKernelContext_Failure(context_, status_);
    ok_ = false;
  }

  TF_OpKernelContext *context_;
  TF_Status *status_;
  std::vector<TF_Tensor *> tensors_;
  bool ok_ = true;
};

template <typename T>
T *Data(const TF_Tensor *tensor) {
  return static_cast<T *>(TF_TensorData(tensor));
}

inline int64_t ChannelsOf(const TF_Tensor *tensor) {
  int rank = TF_NumDims(tensor);
  return rank == 0 ? 1 : TF_Dim(tensor, rank - 1);
}

}  // namespace tfnodejs

#endif  // DISTILLERY_KERNELS_CALL_H_
