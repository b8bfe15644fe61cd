import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type About, type Dataset, datasets, memorySplit, type Split } from '@distillery/datasets';
import { allInputs } from '@distillery/datasets/testing';
import { randomStream } from '@distillery/engine';
import { sha256 } from '@distillery/spec';
import { classes, length, vocabulary } from './networks.ts';
import type { Inputs } from './protocol.ts';

/** Writes the images and texts of all networks into a folder, half as many for testing as for training. */
export async function writeInputs(
  folder: string,
  train: number,
): Promise<Record<'images' | 'texts', Inputs>> {
  const test = train >> 1;
  return {
    images: await writeImages(join(folder, 'images'), train, test),
    texts: writeTexts(join(folder, 'texts'), train, test),
  };
}

/** Writes seeded images of the source `shapes`: of the size of CIFAR-10's, with classes that can be learned. */
async function writeImages(file: string, train: number, test: number): Promise<Inputs> {
  const options = { trainCount: train, testCount: test, seed: 0 };
  const {
    train: first,
    test: second,
    ...about
  } = await datasets.get('shapes').load(options, { cacheDir: '', roots: [] });
  const labels = Uint8Array.from([...first.labels, ...second.labels]);
  writeFileSync(file, Buffer.concat([await allInputs(first), await allInputs(second), labels]));
  return { file, train, test, shape: about.shape, normalization: about.normalization! };
}

/** Writes random texts of a quarter to the whole of the length, the rest of which is padding. */
function writeTexts(file: string, train: number, test: number): Inputs {
  const stream = randomStream(0, 'texts');
  const count = train + test;
  const ids = new Uint16Array(count * length);
  for (let text = 0; text < count; text++) {
    const tokens = length / 4 + stream.below((3 * length) / 4 + 1);
    for (let i = 0; i < tokens; i++) ids[text * length + i] = 1 + stream.below(vocabulary - 1);
  }
  const labels = Uint8Array.from({ length: count }, () => stream.below(classes));
  writeFileSync(file, Buffer.concat([Buffer.from(ids.buffer), labels]));
  return { file, train, test, shape: [length] };
}

/** Returns the inputs of a file in memory, like the source `shapes`. */
export function readInputs({ file, train, test, shape, normalization }: Inputs): Dataset {
  const bytes = readFileSync(file);
  const labels = bytes.subarray(bytes.length - train - test);
  const size = (bytes.length - labels.length) / labels.length;
  const split = (from: number, count: number): Split =>
    memorySplit(
      {
        inputs: bytes.subarray(from * size, (from + count) * size),
        labels: Int32Array.from(labels.subarray(from, from + count)),
      },
      { shape, bytes: size, digest: `${file} from input ${from}` },
    );
  const named = { classes: Array.from({ length: classes }, (_, index) => String(index)) };
  const about: About =
    normalization === undefined
      ? {
          ...named,
          shape: [length],
          vocabulary,
          tokenizer: { type: 'byte_pair', pattern: '', merges: [] },
          skipped: { count: 0, first: [] },
        }
      : {
          ...named,
          shape: shape as [number, number, number],
          normalization,
          skipped: { count: 0, first: [] },
        };
  return { ...about, digest: sha256(bytes), train: split(0, train), test: split(train, test) };
}
