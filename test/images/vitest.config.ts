import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/images/*.test.ts'],
    // The image is built first, which takes minutes.
    hookTimeout: 1_800_000,
    testTimeout: 600_000,
  },
});
