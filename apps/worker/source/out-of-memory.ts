/**
 * The messages of a trainer's parts that are refused memory: TensorFlow (RESOURCE_EXHAUSTED is 8 in
 * tensorflow/c/tf_status.h, and its Node binding passes on only the number and the message), V8, C++ and CUDA.
 */
const refusals =
  /Invalid TF_Status: 8\b|OOM when allocating|failed to allocate memory|out of memory|array buffer allocation failed|bad_alloc|CUDA_ERROR_OUT_OF_MEMORY/i;

/** Whether a message of the trainer, or a line of its output, means that it was refused memory. */
export function wasRefusedMemory(message: string): boolean {
  return refusals.test(message);
}
