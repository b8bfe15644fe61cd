import { rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { expect, test } from 'vitest';
import type { Dataset, DatasetContext } from '../dataset.ts';
import { openReader } from '../readers/index.ts';
import type { EncodedImages } from '../readers/images.ts';
import { imageFolder } from '../sources/image-folder.ts';
import { imageTable } from '../sources/image-table.ts';
import { allInputs } from '../testing/all-inputs.ts';
import { contextIn, errorOf, png, tarOf, temporaryFolder, writeFiles } from '../testing/fixtures.ts';
import { describeReader } from '../testing/reader-suite.ts';

const classes = ['dark', 'light'];
const perClass = 30;

/** Images of one colour, which tells the class and the number. */
async function files(): Promise<Record<string, Buffer>> {
  const all: Record<string, Buffer> = {};
  for (const [label, name] of classes.entries()) {
    for (let i = 0; i < perClass; i++) all[`train/${name}/${i}.png`] = await png(label * 200, i, 7);
    for (let i = 0; i < 5; i++) all[`test/${name}/${i}.png`] = await png(label * 200, 100 + i, 7);
  }
  return all;
}

async function prepared(): Promise<{ context: DatasetContext; root: string }> {
  const context = await contextIn(await temporaryFolder());
  const [root] = context.roots;
  const all = await files();
  await writeFiles(join(root, 'set'), all);
  const entries = Object.entries(all);
  await writeFile(join(root, 'set.zip'), zipSync(Object.fromEntries(entries)));
  await writeFile(join(root, 'set.tar.gz'), await tarOf(entries));
  const rows = entries.map(([name]) => `set/${name},${name.split('/')[1]},${name.split('/')[0]}`);
  await writeFile(join(root, 'table.csv'), ['image,label,split', ...rows].join('\n'));
  return { context, root };
}

const load = (context: DatasetContext, options: object = {}) =>
  imageFolder.load(
    imageFolder.options.parse({ path: 'set', size: [3, 4], decoding: 'on_read', ...options }),
    context,
  );
const loadTable = (context: DatasetContext, options: object = {}) =>
  imageTable.load(
    imageTable.options.parse({
      path: 'table.csv',
      split: 'split',
      size: [3, 4],
      decoding: 'on_read',
      ...options,
    }),
    context,
  );

/** The colour of each image of a split, with its label, in the order of the colours. */
async function samplesOf({ shape }: Dataset, split: Dataset['train']): Promise<string[]> {
  const inputs = await allInputs(split);
  const bytes = shape.reduce((product: number, extent: number) => product * extent, 1);
  const colours = Array.from(
    split.labels,
    (label, i) => `${label}: ${[...inputs.subarray(i * bytes, i * bytes + 3)]}`,
  );
  return colours.sort();
}

for (const path of ['set', 'set.zip', 'set.tar.gz']) {
  describeReader(`images, of ${path}`, async () => {
    const { context } = await prepared();
    const { train } = await load(context, { path });
    const inputs = Buffer.concat(
      await Promise.all(
        Array.from({ length: train.count }, async (_, i) => {
          const reader = await openReader({ ...train.reader, kept: undefined } as EncodedImages);
          const into = new Uint8Array(train.reader.bytes);
          await reader.read(Int32Array.of(i), into);
          await reader.close();
          return into;
        }),
      ),
    );
    return { description: train.reader, inputs: Uint8Array.from(inputs) };
  });
}

test('images that are decoded when they are read are those that are decoded ahead', async () => {
  const { context } = await prepared();
  const ahead = await load(context, { decoding: 'ahead' });
  const expected = [await samplesOf(ahead, ahead.train), await samplesOf(ahead, ahead.test)];
  for (const path of ['set', 'set.zip', 'set.tar.gz']) {
    const set = await load(context, { path });
    expect([await samplesOf(set, set.train), await samplesOf(set, set.test)]).toEqual(expected);
    expect(set).toMatchObject({ classes, shape: [3, 4, 3], skipped: { count: 0 } });
    // Classes are mixed, because an epoch is shuffled within windows.
    expect(new Set(set.train.labels.subarray(0, 10)).size).toBe(2);
    expect(await load(context, { path })).toEqual(set);
  }
  const table = await loadTable(context);
  expect([await samplesOf(table, table.train), await samplesOf(table, table.test)]).toEqual(expected);
});

test('the digest depends on the files, not on the folder of the machine', async () => {
  const { context, root } = await prepared();
  const { digest } = await load(context);
  const tableDigest = (await loadTable(context)).digest;
  const elsewhere = join(root, '..', 'elsewhere');
  await rename(root, elsewhere);
  const moved = { ...context, roots: [elsewhere] };
  expect((await load(moved)).digest).toBe(digest);
  expect((await loadTable(moved)).digest).toBe(tableDigest);
  await utimes(join(elsewhere, 'set/train/dark/3.png'), 1, 1);
  expect((await load(moved)).digest).not.toBe(digest);
  expect((await loadTable(moved)).digest).not.toBe(tableDigest);
});

test('limits keep the same images, and nothing else is decoded', async () => {
  const { context, root } = await prepared();
  const limits = { trainLimit: 10, testLimit: 4 };
  const ahead = await load(context, { ...limits, decoding: 'ahead' });
  const set = await load(context, limits);
  expect([set.train.count, set.test.count]).toEqual([10, 4]);
  expect(await samplesOf(set, set.train)).toEqual(await samplesOf(ahead, ahead.train));
  const kept = await samplesOf(ahead, ahead.train);
  // Images beyond the limit may be anything.
  for (let i = 0; i < perClass; i++) {
    if (!kept.includes(`0: 0,${i},7`)) await writeFile(join(root, `set/train/dark/${i}.png`), 'damaged');
  }
  const again = await load(context, { ...limits, decoding: 'ahead' });
  expect([again.skipped.count, await samplesOf(again, again.train)]).toEqual([0, kept]);
});

test('decoded images are kept on the disk, as far as there is room, and a damaged one is decoded again', async () => {
  const { context, root } = await prepared();
  const bounded = { ...context, diskBytes: 4000 };
  const { train } = await load(bounded);
  const { kept } = train.reader as EncodedImages;
  expect(kept?.rows).toBe(45);
  const inputs = await allInputs(train);
  const { path } = kept as { path: string };
  expect((await stat(path)).size).toBe(45 * 44);
  // Without the files only what is kept can be read.
  await rename(join(root, 'set'), join(root, 'away'));
  const reader = await openReader(train.reader);
  const into = new Uint8Array(45 * 36);
  await reader.read(
    Int32Array.from({ length: 45 }, (_, i) => i),
    into,
  );
  expect(into).toEqual(inputs.subarray(0, into.length));
  const gone = await errorOf(Promise.resolve(reader.read(Int32Array.of(45), new Uint8Array(36))));
  expect(gone).toMatchObject({
    code: 'data_error',
    message: expect.stringMatching(/was changed or removed/),
  });
  await reader.close();
  await rename(join(root, 'away'), join(root, 'set'));
  await writeFile(path, Buffer.alloc(45 * 44, 1));
  expect(await allInputs(train)).toEqual(inputs);
});

test('a file that was changed after it was listed ends the reading', async () => {
  const { context, root } = await prepared();
  const { train } = await load({ ...context, diskBytes: 0 });
  await writeFile(join(root, 'set/train/dark/3.png'), await png(1, 2, 3));
  const error = await errorOf(allInputs(train));
  expect(error).toMatchObject({
    code: 'data_error',
    message: expect.stringMatching(/3\.png: was changed or removed after the data set was listed/),
  });
});

test('in place of an image that cannot be decoded, another one of its class is read, and it is reported', async () => {
  const { context, root } = await prepared();
  await writeFile(join(root, 'set/train/dark/3.png'), 'no image');
  const { train } = await load(context);
  const skipped: [string, string][] = [];
  const reader = await openReader(train.reader, { skipped: (...one) => skipped.push(one) });
  const everything = Int32Array.from({ length: train.count }, (_, i) => i);
  const into = new Uint8Array(train.count * 36);
  await reader.read(everything, into);
  expect(skipped).toEqual([['train/dark/3.png', expect.stringMatching(/unsupported image format/)]]);
  train.labels.forEach((label, i) => expect(into[i * 36]).toBe(label * 200));
  const first = into.slice();
  await reader.read(everything, into);
  expect([into, skipped]).toEqual([first, [skipped[0]]]);
  await reader.close();
});

test('a set whose images mostly cannot be decoded is refused', async () => {
  const { context, root } = await prepared();
  for (let i = 0; i < perClass; i++) {
    for (const name of classes) await writeFile(join(root, `set/train/${name}/${i}.png`), 'no image');
  }
  await writeFile(join(root, 'set/train/dark/0.png'), await png(0, 0, 7));
  await writeFile(join(root, 'set/train/light/0.png'), await png(200, 0, 7));
  const { train } = await load(context);
  expect(await errorOf(allInputs(train))).toMatchObject({
    code: 'data_error',
    message: expect.stringMatching(/^more than half of the images could not be decoded, for example train/),
  });
});

test('more than the disk may hold is not decoded ahead', async () => {
  const { context } = await prepared();
  const error = await errorOf(load({ ...context, diskBytes: 1000 }, { decoding: 'ahead' }));
  expect(error.message).toBe(
    'set: would decode to 2520 bytes, more than the 1000 that the setting DATA_DISK allows; choose "decoding": "on_read", or a smaller "size"',
  );
  const packed = await errorOf(load({ ...context, diskBytes: 1000 }, { path: 'set.tar.gz' }));
  expect(packed.message).toMatch(/^set.tar.gz: unpacks to more than 1000 bytes/);
  await rm(join(context.cacheDir, 'unpacked'), { recursive: true });
});
