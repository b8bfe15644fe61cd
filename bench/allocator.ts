/**
 * Environment of a process whose allocator keeps the memory that it has taken. glibc gives large blocks back to the
 * system when they are freed, and every training step then takes them anew, page by page. Other allocators ignore it.
 */
export const keepMemory = {
  MALLOC_MMAP_THRESHOLD_: '8589934592',
  MALLOC_TRIM_THRESHOLD_: '17179869184',
  MALLOC_TOP_PAD_: '268435456',
};
