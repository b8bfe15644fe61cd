import { expect, test, vi } from 'vitest';
import { outlinedOnce } from './outlined-once.ts';

const outline = { classes: ['a', 'b'], shape: [1], trainCount: 1, testCount: 1 };

test('requests for one description share it, also those that come later', async () => {
  const describe = vi.fn(async () => outline);
  const asked = Array.from({ length: 20 }, () => outlinedOnce({ file: 'shared' }, describe));
  expect(new Set(await Promise.all(asked))).toEqual(new Set([outline]));
  await outlinedOnce({ file: 'shared' }, describe);
  expect(describe).toHaveBeenCalledTimes(1);
  await outlinedOnce({ file: 'another' }, describe);
  expect(describe).toHaveBeenCalledTimes(2);
});

test('a failure is not kept', async () => {
  const describe = vi.fn(async () => outline).mockRejectedValueOnce(new Error('cannot be read'));
  await expect(outlinedOnce('failing', describe)).rejects.toThrow('cannot be read');
  expect(await outlinedOnce('failing', describe)).toBe(outline);
});

test('the latest descriptions are kept', async () => {
  const describe = vi.fn(async () => outline);
  await outlinedOnce('first', describe);
  for (let index = 0; index < 200; index++) await outlinedOnce({ index }, describe);
  await outlinedOnce({ index: 199 }, describe);
  expect(describe).toHaveBeenCalledTimes(201);
  await outlinedOnce('first', describe);
  expect(describe).toHaveBeenCalledTimes(202);
});
