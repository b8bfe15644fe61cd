/**
 * Zeroed memory for decoded images and texts. Threads share it: the one that prepares batches reads the data set where it lies,
 * however large it is.
 */
export function sharedMemory(bytes: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(bytes));
}
