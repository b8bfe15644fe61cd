/** Allocates zeroed memory for decoded inputs that all threads can read without a copy. */
export function sharedMemory(bytes: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(bytes));
}
