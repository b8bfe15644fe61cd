import { expect, test } from 'vitest';
import { logLineOf } from './trainer-log.ts';

test.for([
  ['I0000 00:00:1764201600.1 123 cpu_feature_guard.cc:210] optimized', 'stderr', 'info'],
  ['2026-01-01 00:00:00.123456: W tensorflow/core/framework/op_kernel.cc] slow', 'stderr', 'warn'],
  ['2026-01-01 00:00:00.123456: F tensorflow/core/framework/tensor.cc] Check failed', 'stderr', 'error'],
  [
    "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc",
    'stderr',
    'error',
  ],
  ['RangeError: Array buffer allocation failed', 'stderr', 'error'],
  ['Error: no such file', 'stderr', 'error'],
  ['(node:1) a deprecated function', 'stderr', 'warn'],
  ['WebGPU starts', 'stdout', 'info'],
] as const)('%s is logged as %s', ([message, stream, level]) => {
  expect(logLineOf(message, stream)).toEqual({ source: 'trainer', level, message });
});
