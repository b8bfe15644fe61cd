/**
 * What the parts of a trainer say when they are refused memory: TensorFlow (RESOURCE_EXHAUSTED is 8 in
 * tensorflow/c/tf_status.h, and its Node binding passes on no more than the number and the message), V8, C++, CUDA.
 */
const refusals =
  /Invalid TF_Status: 8\b|OOM when allocating|failed to allocate memory|out of memory|array buffer allocation failed|bad_alloc|CUDA_ERROR_OUT_OF_MEMORY/i;

export function wasRefusedMemory(said: string): boolean {
  return refusals.test(said);
}
