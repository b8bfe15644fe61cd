import { memoryDataset } from '@distillery/datasets';
import { expect, test } from 'vitest';
import { decodeTestSamples, encodeTestSamples } from './test-samples.ts';

/** Images whose every pixel tells the index, as far as a byte can. */
function images(count: number, side: number) {
  const shape: [number, number, number] = [side, side, 1];
  const split = (length: number) => ({
    inputs: Uint8Array.from({ length: length * side * side }, (_, i) => Math.floor(i / (side * side)) % 251),
    labels: new Int32Array(length),
  });
  const about = {
    classes: ['a', 'b'],
    shape,
    skipped: { count: 0, first: [] },
    normalization: { mean: [0], std: [1] },
  };
  return memoryDataset(about, { train: split(2), test: split(count) }, undefined);
}

test('a small test split is kept whole', async () => {
  const { indices, content } = decodeTestSamples(await encodeTestSamples(await images(5, 2)));
  expect([...indices]).toEqual([0, 1, 2, 3, 4]);
  expect(content).toEqual({
    kind: 'image',
    shape: [2, 2, 1],
    pixels: Uint8Array.from([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4]),
  });
});

test('of a large one, the same random thousand samples are kept, with their own pixels', async () => {
  const file = await encodeTestSamples(await images(3000, 2));
  expect(await encodeTestSamples(await images(3000, 2))).toEqual(file);
  const { indices, content } = decodeTestSamples(file);
  expect(new Set(indices).size).toBe(1000);
  expect([...indices]).toEqual([...indices].sort((a, b) => a - b));
  expect(indices.at(-1)).toBeGreaterThan(2000);
  if (content.kind !== 'image') throw new Error('not images');
  for (const [place, index] of indices.entries()) expect(content.pixels[4 * place]).toBe(index % 251);
});

test('large images are kept up to 16 MiB', async () => {
  const file = await encodeTestSamples(await images(20, 1024));
  expect(decodeTestSamples(file).indices).toHaveLength(16);
  expect(file.length).toBeLessThan(16.1 * 1024 * 1024);
});
