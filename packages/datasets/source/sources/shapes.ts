import { randomStream } from '@distillery/engine';
import { z } from 'zod';
import type { About, DatasetContext, DatasetKind } from '../dataset.ts';
import { sharedMemory } from '../shared-memory.ts';
import { outlines } from '../images/outlines.ts';
import { CHANNELS, drawImage, SIZE } from '../images/shape-image.ts';
import { memoryDataset } from '../memory-dataset.ts';
import { yieldToEvents } from '../yield-to-events.ts';

const CLASSES = Object.keys(outlines);
const PIXELS = SIZE * SIZE * CHANNELS;
/** Keys of the random streams: an image depends on its seed, split and index alone. */
const TRAIN = 'train';
const TEST = 'test';
/** Images between two checks of the abort signal. */
const YIELD_EVERY = 500;

const options = z.strictObject({
  trainCount: z
    .int()
    .min(CLASSES.length)
    .max(200_000)
    .default(10_000)
    .describe('The number of training images.'),
  testCount: z.int().min(CLASSES.length).max(100_000).default(2_000).describe('The number of test images.'),
  seed: z
    .int()
    .min(0)
    .default(0)
    .describe('The seed of the images: another seed gives other images of the same classes.'),
});

export const shapes: DatasetKind<typeof options> = {
  type: 'shapes',
  summary: 'Generated images of ten shapes on textured backgrounds, 32×32 RGB, seeded; needs no download.',
  options,
  async outline({ trainCount, testCount }) {
    return { classes: [...CLASSES], shape: [SIZE, SIZE, CHANNELS], trainCount, testCount };
  },
  // Not cached: generating 12,000 images costs about as much as reading them back.
  async load({ trainCount, testCount, seed }, context) {
    const about: About = {
      classes: [...CLASSES],
      shape: [SIZE, SIZE, CHANNELS],
      skipped: { count: 0, first: [] },
      normalization: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
    };
    const train = await drawSplit(trainCount, seed, TRAIN, context);
    const test = await drawSplit(testCount, seed, TEST, context);
    return memoryDataset(about, { train, test }, context.signal);
  },
};

/** Generates the images of a split. The classes take turns, so that every prefix is balanced. */
async function drawSplit(
  count: number,
  seed: number,
  split: string,
  context: DatasetContext,
): Promise<{ inputs: Uint8Array; labels: Int32Array }> {
  const images = sharedMemory(count * PIXELS);
  const labels = new Int32Array(count);
  for (let index = 0; index < count; index++) {
    if (index % YIELD_EVERY === 0) await yieldToEvents(context.signal);
    const label = index % CLASSES.length;
    labels[index] = label;
    const stream = randomStream(seed, 'shapes', split, index);
    drawImage(outlines[CLASSES[label]], () => stream.uniform(), images, index * PIXELS);
  }
  return { inputs: images, labels };
}
