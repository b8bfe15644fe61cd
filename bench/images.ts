import { readFileSync, writeFileSync } from 'node:fs';
import { type Dataset, datasets, memorySplit, type Split } from '@distillery/datasets';
import { allInputs } from '@distillery/datasets/testing';
import { sha256 } from '@distillery/spec';
import type { Setup } from './protocol.ts';

const shape: [number, number, number] = [32, 32, 3];
const pixels = 32 * 32 * 3;

/** Seeded images of the source `shapes`: of the size of CIFAR-10's, with classes that can be learned. */
export async function drawImages(train: number, test: number): Promise<Dataset> {
  const options = { trainCount: train, testCount: test, seed: 0 };
  return await datasets.get('shapes').load(options, { cacheDir: '', roots: [] });
}

/** Writes the file that `Setup` describes. */
export async function writeImages(file: string, { train, test }: Dataset): Promise<void> {
  const labels = Uint8Array.from([...train.labels, ...test.labels]);
  writeFileSync(file, Buffer.concat([await allInputs(train), await allInputs(test), labels]));
}

/** Returns the file's decoded images in memory, like the source `shapes`. */
export function readImages({ file, train, test, normalization }: Setup): Dataset {
  const bytes = readFileSync(file);
  const labels = bytes.subarray((train + test) * pixels);
  const split = (from: number, count: number): Split =>
    memorySplit(
      {
        inputs: bytes.subarray(from * pixels, (from + count) * pixels),
        labels: Int32Array.from(labels.subarray(from, from + count)),
      },
      { shape, bytes: pixels, digest: `${file} from image ${from}` },
    );
  return {
    digest: sha256(bytes),
    classes: Array.from({ length: 10 }, (_, index) => String(index)),
    shape,
    train: split(0, train),
    test: split(train, test),
    skipped: { count: 0, first: [] },
    normalization,
  };
}
