import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { About, Dataset } from './dataset.ts';
import { type Decode, decodedOnce, readManifest } from './decoded.ts';
import { memoryDataset } from './memory-dataset.ts';
import { allInputs } from './testing/all-inputs.ts';
import { contextIn, errorOf, temporaryFolder } from './testing/fixtures.ts';

const about: About = {
  classes: ['a', 'b'],
  shape: [1, 2, 3],
  skipped: { count: 1, first: [{ name: 'bad.png', reason: 'broken' }] },
  normalization: { mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6] },
};
const train = { inputs: Uint8Array.from({ length: 18 }, (_, i) => i), labels: Int32Array.of(0, 1, 1) };
const held = { inputs: Uint8Array.from({ length: 6 }, (_, i) => 250 - i), labels: Int32Array.of(1) };

/** The same samples in memory. */
const sample = () => memoryDataset(about, { train, test: held }, undefined);

const decode: Decode = async (writers) => {
  for (const [split, { inputs, labels }] of Object.entries({ train, test: held }))
    labels.forEach((label, index) =>
      writers[split as 'train' | 'test'].put(index, label, inputs.subarray(6 * index, 6 * index + 6)),
    );
  return about;
};

/** A data set with its inputs instead of readers. */
async function whole({ train: learned, test: tested, ...rest }: Dataset) {
  const contents = async ({ reader, ...split }: Dataset['train']) => {
    const inputs = await allInputs({ reader, ...split });
    return { ...split, digest: reader.digest, inputs };
  };
  return { ...rest, train: await contents(learned), test: await contents(tested) };
}

/** A cache folder, and a load that counts its decodes. */
async function cache() {
  const context = await contextIn(await temporaryFolder());
  const folder = join(context.cacheDir, 'decoded');
  let decodes = 0;
  const load = async (fingerprint: unknown = 'one') =>
    whole(
      await decodedOnce(fingerprint, context, (writers) => {
        decodes++;
        return decode(writers);
      }),
    );
  const file = async (suffix: string) =>
    join(folder, (await readdir(folder)).find((name) => name.endsWith(suffix))!);
  return { context, folder, load, file, decodes: () => decodes };
}

test('decodes once; the copy equals what was decoded', async () => {
  const { load, decodes, folder } = await cache();
  const first = await load();
  const copy = await load();
  expect(copy).toEqual(first);
  expect(first).toEqual(await whole(await sample()));
  expect(first.train.inputs).toEqual(train.inputs);
  expect(decodes()).toBe(1);
  expect(await readdir(folder)).toHaveLength(2);
});

test('a loaded data set holds its labels, and a description of its inputs', async () => {
  const context = { ...(await contextIn(await temporaryFolder())), memoryBytes: 77 };
  const { train: learned, test: tested, digest } = await decodedOnce('one', context, decode);
  const path = join(context.cacheDir, 'decoded', `${digest}.data`);
  const common = { kind: 'file', path, memory: 77, shape: [1, 2, 3], bytes: 6 };
  expect(learned).toMatchObject({ count: 3, reader: { ...common, offset: 0, count: 3 } });
  expect(tested).toMatchObject({ count: 1, reader: { ...common, offset: 3 * 10, count: 1 } });
  expect(learned.reader.digest).not.toBe(tested.reader.digest);
  expect(structuredClone(learned)).toEqual(learned);
});

test('samples may be written in any order; positions without a sample are left out', async () => {
  const context = await contextIn(await temporaryFolder());
  const [a, b, c] = [11, 22, 33].map((value) => new Uint8Array(6).fill(value));
  const { train: learned, test: tested } = await whole(
    await decodedOnce('one', context, async (writers) => {
      writers.train.put(4000, 0, c);
      writers.train.put(1, 1, a);
      writers.test.put(2, 1, c);
      writers.train.put(7, 0, b);
      writers.test.put(0, 0, a);
      return about;
    }),
  );
  expect([[...learned.labels], learned.count]).toEqual([[1, 0, 0], 3]);
  expect(learned.inputs).toEqual(Uint8Array.from([...a, ...b, ...c]));
  expect([[...tested.labels], tested.count]).toEqual([[0, 1], 2]);
  expect(tested.inputs).toEqual(Uint8Array.from([...a, ...c]));
});

test('inputs may be longer than one write, and very many', async () => {
  const context = await contextIn(await temporaryFolder());
  const row = (index: number) => Uint8Array.from({ length: 1_200_000 }, (_, i) => (i * 7 + index) & 255);
  const shape: [number, number, number] = [1000, 400, 3];
  const long = await decodedOnce('long', context, async ({ train: into, test: other }) => {
    for (const index of [2, 0]) into.put(index, index, row(index));
    other.put(0, 0, row(9));
    return { ...about, shape };
  });
  expect(Buffer.compare(await allInputs(long.train), Buffer.concat([row(0), row(2)]))).toBe(0);
  expect(Buffer.compare(await allInputs(long.test), row(9))).toBe(0);
  const many = await decodedOnce('many', context, async ({ train: into, test: other }) => {
    for (let index = 0; index < 300_000; index++)
      into.put(index, index % 2, Uint8Array.of(index, index >> 8, index >> 16, 1, 2, 3));
    other.put(0, 0, new Uint8Array(6));
    return about;
  });
  const inputs = await allInputs(many.train);
  const wrong = many.train.labels.findIndex((label, i) => {
    const value = inputs[6 * i] + (inputs[6 * i + 1] << 8) + (inputs[6 * i + 2] << 16);
    return value !== i || label !== i % 2;
  });
  expect([many.train.count, wrong]).toEqual([300_000, -1]);
});

test('another fingerprint is decoded again; equal data share their bytes', async () => {
  const { load, decodes, folder } = await cache();
  await load('one');
  await load('two');
  expect(decodes()).toBe(2);
  expect((await readdir(folder)).filter((name) => name.endsWith('.data'))).toHaveLength(1);
});

test('a damaged copy is decoded again and replaced', async () => {
  const { load, decodes, file } = await cache();
  const before = await load();
  await truncate(await file('.data'), 20);
  expect(await load()).toEqual(before);
  const bytes = await readFile(await file('.data'));
  bytes[4] ^= 1;
  await writeFile(await file('.data'), bytes);
  expect(await load()).toEqual(before);
  const manifest = await file('.json');
  await writeFile(manifest, (await readFile(manifest, 'utf8')).replace('"trainCount":3', '"trainCount":2'));
  expect(await load()).toEqual(before);
  await writeFile(manifest, '{');
  expect(await load()).toEqual(before);
  expect(decodes()).toBe(5);
  expect(await load()).toEqual(before);
  expect(decodes()).toBe(5);
});

test('loads that decode at the same time leave one complete copy', async () => {
  const { load, folder, context } = await cache();
  const all = await Promise.all(Array.from({ length: 8 }, () => load()));
  expect(new Set(all.map(({ digest }) => digest)).size).toBe(1);
  expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  expect(await readManifest('one', context)).toMatchObject({ trainCount: 3, testCount: 1 });
});

test('a cache that cannot be written ends the load with the reason', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'file'), '');
  const context = { cacheDir: join(folder, 'file'), roots: [] };
  expect(await errorOf(decodedOnce('one', context, decode))).toMatchObject({
    code: 'data_unavailable',
    message: expect.stringMatching(/^the decoded copy cannot be written: ENOTDIR/),
  });
});

test('a decode that fails or is cancelled leaves no files', async () => {
  const { context, folder } = await cache();
  const failing: Decode = async (writers) => {
    await decode(writers);
    throw new Error('broken');
  };
  await expect(decodedOnce('one', context, failing)).rejects.toThrow('broken');
  expect(await readdir(folder)).toEqual([]);
  const cancelled = new AbortController();
  const cancelling: Decode = async (writers) => {
    await decode(writers);
    cancelled.abort(new Error('cancelled'));
    return about;
  };
  const aborting = decodedOnce('one', { ...context, signal: cancelled.signal }, cancelling);
  await expect(aborting).rejects.toThrow('cancelled');
  expect(await readdir(folder)).toEqual([]);
});

test('a copy that is verified while the load is cancelled is not decoded again', async () => {
  const { context, load, decodes } = await cache();
  await load();
  const signal = AbortSignal.abort(new Error('cancelled'));
  await expect(decodedOnce('one', { ...context, signal }, decode)).rejects.toThrow('cancelled');
  await load();
  expect(decodes()).toBe(1);
});

test('the digest covers shape, class names, labels and every byte', async () => {
  const inputs = train.inputs.map((value, i) => (i === 17 ? 0 : value));
  const variants = await Promise.all([
    sample(),
    memoryDataset({ ...about, shape: [2, 1, 3] }, { train, test: held }, undefined),
    memoryDataset({ ...about, classes: ['a', 'c'] }, { train, test: held }, undefined),
    memoryDataset(about, { train: { ...train, labels: Int32Array.of(0, 1, 0) }, test: held }, undefined),
    memoryDataset(about, { train: { ...train, inputs }, test: held }, undefined),
  ]);
  expect(new Set(variants.map(({ digest }) => digest)).size).toBe(variants.length);
  // The digest of earlier versions: caches and stored outputs stay valid.
  expect(variants[0].digest).toMatchInlineSnapshot(
    `"132dcafdb41952b9679e12810b56b4c45f4cc5d6f66da4cfec49a139fce534e7"`,
  );
});
