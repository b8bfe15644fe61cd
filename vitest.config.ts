import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{apps,packages}/*/source/**/*.test.ts', 'test/**/*.test.ts'],
    // Native engines live in processes of their own; two cores run two files at a time.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // TensorFlow's greeting on stderr says nothing about a test.
    env: { TF_CPP_MIN_LOG_LEVEL: '2' },
  },
});
