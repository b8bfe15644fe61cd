import { expect, test } from 'vitest';
import type { DatasetContext, Split } from '../dataset.ts';
import type { MemoryRows } from '../readers/memory.ts';
import { outlines } from '../images/outlines.ts';
import { allInputs } from '../testing/all-inputs.ts';
import { shapes } from './shapes.ts';

const context: DatasetContext = { cacheDir: 'unused', roots: [] };
const draw = (options: object) => shapes.load(shapes.options.parse(options), context);

test('generates balanced classes of 32×32 RGB images', async () => {
  const options = shapes.options.parse({ trainCount: 100, testCount: 20 });
  const set = await shapes.load(options, context);
  const { classes, shape, train } = set;
  expect(await shapes.outline(options, context)).toEqual({ classes, shape, trainCount: 100, testCount: 20 });
  expect([classes.length, (await allInputs(train)).length]).toEqual([10, 100 * 32 * 32 * 3]);
  // Shared memory is passed to threads without a copy.
  expect((train.reader as MemoryRows).inputs.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect([...train.labels].filter((label) => label === 3)).toHaveLength(10);
});

test('an image depends on seed, split and index alone', async () => {
  const small = await draw({ trainCount: 20, testCount: 20 });
  const large = await draw({ trainCount: 40, testCount: 10 });
  const images = 20 * 3072;
  const inputs = await allInputs(small.train);
  expect((await allInputs(large.train)).subarray(0, images)).toEqual(inputs);
  expect(await allInputs(small.test)).not.toEqual(inputs);
  expect((await draw({ trainCount: 20, testCount: 20 })).digest).toBe(small.digest);
  expect((await draw({ trainCount: 20, testCount: 20, seed: 1 })).digest).not.toBe(small.digest);
});

test('the digest of the defaults is stable', async () => {
  const { digest } = await draw({ trainCount: 100, testCount: 100 });
  expect(digest).toMatchInlineSnapshot(`"2de4747adea6def5c9dc5ad2e24da2fdf3e0a4dced95843fb0e8af3a94374ec2"`);
});

test('the colours of an image do not depend on its class', async () => {
  const { train } = await draw({ trainCount: 2000, testCount: 10 });
  const { mean, deviation } = await brightnessByClass(train);
  const overall = mean.reduce((sum, value) => sum + value, 0) / 10;
  // 3.5 standard errors of a class's mean over its 200 images.
  for (const value of mean)
    expect(Math.abs(value - overall)).toBeLessThan((3.5 * deviation) / Math.sqrt(200));
});

test('every outline has the area of the unit disc', () => {
  for (const [name, outline] of Object.entries(outlines)) {
    let inside = 0;
    for (let i = 0; i < 400; i++)
      for (let j = 0; j < 400; j++) if (outline(i / 100 - 2, j / 100 - 2) < 0) inside++;
    expect(inside / 10_000, name).toBeCloseTo(Math.PI, 1);
  }
});

test('a cancelled load throws the reason of the signal', async () => {
  const signal = AbortSignal.abort(new Error('cancelled'));
  await expect(shapes.load(shapes.options.parse({}), { ...context, signal })).rejects.toThrow('cancelled');
});

/** Mean brightness of each class, and the standard deviation over images. */
async function brightnessByClass(split: Split): Promise<{ mean: number[]; deviation: number }> {
  const { labels, count } = split;
  const images = await allInputs(split);
  const sums = Array.from({ length: 10 }, () => 0);
  const means = Array.from({ length: count }, (_, i) => {
    let sum = 0;
    for (let at = i * 3072; at < (i + 1) * 3072; at++) sum += images[at];
    return sum / 3072;
  });
  means.forEach((value, i) => (sums[labels[i]] += value));
  const overall = means.reduce((sum, value) => sum + value, 0) / count;
  const variance = means.reduce((sum, value) => sum + (value - overall) ** 2, 0) / count;
  return { mean: sums.map((sum) => (sum * 10) / count), deviation: Math.sqrt(variance) };
}
