/**
 * Environment variables for a process that trains; to be set before it starts.
 *
 * glibc's allocator gives large blocks back to the system at once and asks for them anew at the next operation, so that
 * the kernel clears the same pages over and over: up to half of a step on some machines. These settings let the process
 * keep what it has had. Other C libraries ignore them.
 */
export const trainerEnvironment: Readonly<Record<string, string>> = {
  MALLOC_MMAP_THRESHOLD_: String(2 ** 33),
  MALLOC_TRIM_THRESHOLD_: String(2 ** 34),
  MALLOC_TOP_PAD_: String(2 ** 26),
};
