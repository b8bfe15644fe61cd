import { bytesOf, contentDigest, splitDigest } from './content-digest.ts';
import { type About, type Dataset, inputBytes, type Split } from './dataset.ts';
import { memoryRows } from './readers/memory.ts';

interface Samples {
  /** `[count, …shape]`, row-major. */
  inputs: Uint8Array;
  labels: Int32Array;
}

/**
 * Builds a data set from samples in memory.
 *
 * @throws the reason of the signal when it is aborted
 */
export async function memoryDataset(
  about: About,
  { train, test }: { train: Samples; test: Samples },
  signal: AbortSignal | undefined,
): Promise<Dataset> {
  const counts = { train: train.labels.length, test: test.labels.length };
  const parts = [train.inputs, train.labels, test.inputs, test.labels].map(bytesOf);
  const digest = await contentDigest(about, counts, parts, signal);
  const splitOf = (name: 'train' | 'test', samples: Samples) =>
    memorySplit(samples, {
      shape: about.shape,
      bytes: inputBytes(about),
      digest: splitDigest(digest, name),
    });
  return { digest, ...about, train: splitOf('train', train), test: splitOf('test', test) };
}

/**
 * Builds a split from inputs in memory.
 *
 * @param described the shape and the bytes of one input, and the digest of all inputs
 */
export function memorySplit(
  { inputs, labels }: Samples,
  described: { shape: readonly number[]; bytes: number; digest: string },
): Split {
  const count = labels.length;
  const shape = [...described.shape];
  return { reader: memoryRows(inputs, { ...described, shape, count }), labels, count };
}
