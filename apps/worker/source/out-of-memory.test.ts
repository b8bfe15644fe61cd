import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { isOutOfMemory } from './out-of-memory.ts';

test.each([
  'Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape[8,8] and type float on /device:CPU:0',
  'Invalid TF_Status: 8\nMessage: failed to allocate memory',
  'Array buffer allocation failed',
  'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
  'Worker terminated due to reaching memory limit: JS heap out of memory',
  "terminate called after throwing an instance of 'std::bad_alloc'",
  'failed to alloc 2048 bytes on host: CUDA_ERROR_OUT_OF_MEMORY: out of memory',
])('means out of memory: %s', (message) => {
  expect(isOutOfMemory(message)).toBe(true);
});

test.each([
  'Invalid TF_Status: 3\nMessage: Incompatible shapes',
  'Invalid TF_Status: 80\nMessage: x',
  "OOM command not allowed when used memory > 'maxmemory'",
  'Segmentation fault',
])('means something else: %s', (message) => {
  expect(isOutOfMemory(message)).toBe(false);
});

test("TensorFlow's message is recognised", { timeout: 60_000 }, async ({ skip }) => {
  const { name } = await startEngine();
  skip(name !== 'native' && name !== 'gpu', 'the other engines allocate in JavaScript');
  let message = '';
  try {
    // 10¹³ numbers, 36 TiB. TensorFlow waits ten seconds for other threads to free that much.
    tf.fill([1e7, 1e6], 1);
  } catch (error) {
    message = (error as Error).message;
  }
  expect(message).toContain('allocat');
  expect(isOutOfMemory(message)).toBe(true);
});
