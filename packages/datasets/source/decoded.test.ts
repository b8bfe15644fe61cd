import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Decoded, decodedOnce, digestOfData, readManifest } from './decoded.ts';
import type { ImageDataset } from './dataset.ts';
import { contextIn, temporaryFolder } from './testing/fixtures.ts';

function sample(): Omit<ImageDataset, 'digest'> {
  return {
    classes: ['a', 'b'],
    shape: [1, 2, 3],
    train: { inputs: Uint8Array.from({ length: 18 }, (_, i) => i), labels: Int32Array.of(0, 1, 1), count: 3 },
    test: { inputs: Uint8Array.from({ length: 6 }, (_, i) => 250 - i), labels: Int32Array.of(1), count: 1 },
    skipped: { count: 1, first: [{ name: 'bad.png', reason: 'broken' }] },
    normalization: { mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6] },
  };
}

/** A cache folder and a load that counts how often it had to decode. */
async function cache() {
  const context = await contextIn(await temporaryFolder());
  const folder = join(context.cacheDir, 'decoded');
  let decodes = 0;
  const load = (fingerprint: unknown = 'one') =>
    decodedOnce(fingerprint, context, async () => {
      decodes++;
      return sample();
    });
  const file = async (suffix: string) =>
    join(folder, (await readdir(folder)).find((name) => name.endsWith(suffix))!);
  return { context, folder, load, file, decodes: () => decodes };
}

test('decodes once; the copy equals what was decoded', async () => {
  const { load, decodes, folder } = await cache();
  const first = await load();
  const copy = await load();
  expect(copy).toEqual(first);
  expect(copy.train.inputs.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect(first).toEqual({ digest: digestOfData(sample()), ...sample() });
  expect(decodes()).toBe(1);
  expect(await readdir(folder)).toHaveLength(2);
});

test('another fingerprint is decoded anew; equal data share their bytes', async () => {
  const { load, decodes, folder } = await cache();
  await load('one');
  await load('two');
  expect(decodes()).toBe(2);
  expect((await readdir(folder)).filter((name) => name.endsWith('.data'))).toHaveLength(1);
});

test('a damaged copy is decoded anew and mended', async () => {
  const { load, decodes, file } = await cache();
  const whole = await load();
  await truncate(await file('.data'), 20);
  expect(await load()).toEqual(whole);
  const bytes = await readFile(await file('.data'));
  bytes[4] ^= 1;
  await writeFile(await file('.data'), bytes);
  expect(await load()).toEqual(whole);
  const manifest = await file('.json');
  await writeFile(manifest, (await readFile(manifest, 'utf8')).replace('"trainCount":3', '"trainCount":2'));
  expect(await load()).toEqual(whole);
  await writeFile(manifest, '{');
  expect(await load()).toEqual(whole);
  expect(decodes()).toBe(5);
  expect(await load()).toEqual(whole);
  expect(decodes()).toBe(5);
});

test('loads that decode at once leave one whole copy', async () => {
  const { load, folder, context } = await cache();
  const all = await Promise.all(Array.from({ length: 8 }, () => load()));
  expect(new Set(all.map(({ digest }) => digest)).size).toBe(1);
  expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  expect(await readManifest('one', context)).toMatchObject({ trainCount: 3, testCount: 1 });
});

test('a cache that cannot be written costs a line in the log, not the data', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'file'), '');
  const lines: string[] = [];
  const context = { cacheDir: join(folder, 'file'), roots: [], progress: (line: string) => lines.push(line) };
  expect(await decodedOnce('one', context, async () => sample())).toMatchObject(sample());
  expect(lines[0]).toMatch(/^the decoded copy was not kept: /);
});

test('the digest covers shape, class names, labels and every byte', () => {
  const { train } = sample();
  const variants: Decoded[] = [
    sample(),
    { ...sample(), shape: [2, 1, 3] },
    { ...sample(), classes: ['a', 'c'] },
    { ...sample(), train: { ...train, labels: Int32Array.of(0, 1, 0) } },
    { ...sample(), train: { ...train, inputs: train.inputs.map((value, i) => (i === 17 ? 0 : value)) } },
  ];
  expect(new Set(variants.map(digestOfData)).size).toBe(variants.length);
});
