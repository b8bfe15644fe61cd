import { readFileSync, writeFileSync } from 'node:fs';
import { type Dataset, datasets, memorySplit, type Split } from '@distillery/datasets';
import { allInputs } from '@distillery/datasets/testing';
import { sha256 } from '@distillery/spec';
import type { Setup } from './protocol.ts';

const shape: [number, number, number] = [32, 32, 3];
const pixels = 32 * 32 * 3;

/** The project's own `shapes`, seeded: as large as CIFAR-10's images, and there is something to learn from them. */
export async function drawImages(train: number, test: number): Promise<Dataset> {
  const options = { trainCount: train, testCount: test, seed: 0 };
  return await datasets.get('shapes').load(options, { cacheDir: '', roots: [] });
}

/** Writes the file that `Setup` tells of. */
export async function writeImages(file: string, { train, test }: Dataset): Promise<void> {
  const labels = Uint8Array.from([...train.labels, ...test.labels]);
  writeFileSync(file, Buffer.concat([await allInputs(train), await allInputs(test), labels]));
}

/** Our side's view of the file: decoded images in memory, as the source `shapes` leaves them. */
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
