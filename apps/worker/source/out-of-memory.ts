/**
 * Messages of failed allocations in TensorFlow, V8, C++ and CUDA. TensorFlow's Node binding reports only the number of a
 * status and its message; RESOURCE_EXHAUSTED is 8 (tensorflow/c/tf_status.h).
 */
const failedAllocation =
  /Invalid TF_Status: 8\b|OOM when allocating|failed to allocate memory|out of memory|array buffer allocation failed|bad_alloc|CUDA_ERROR_OUT_OF_MEMORY/i;

/** Returns whether an error message or a line of output of a trainer means that it ran out of memory. */
export function isOutOfMemory(message: string): boolean {
  return failedAllocation.test(message);
}
