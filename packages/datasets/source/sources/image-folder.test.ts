import { open, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import type { DatasetContext } from '../dataset.ts';
import { allInputs } from '../testing/all-inputs.ts';
import { contextIn, errorOf, png, tarOf, temporaryFolder, writeFiles } from '../testing/fixtures.ts';
import { imageFolder } from './image-folder.ts';

async function smallSet(): Promise<Record<string, Buffer>> {
  return {
    'train/dark/1.png': await png(10, 20, 30),
    'train/dark/2.png': await png(11, 21, 31),
    'train/light/1.png': await png(200, 210, 220),
    'test/dark/1.png': await png(12, 22, 32),
    'test/light/1.png': await png(201, 211, 221),
    'README.txt': Buffer.from('not an image'),
  };
}

async function withFiles(files: Record<string, Buffer>, name = 'set'): Promise<DatasetContext> {
  const context = await contextIn(await temporaryFolder());
  await writeFiles(join(context.roots[0], name), files);
  return context;
}

const choose = (options: Record<string, unknown>) => imageFolder.options.parse(options);
const load = (context: DatasetContext, options: object = {}) =>
  imageFolder.load(choose({ path: 'set', ...options }), context);

test('reads a folder', async () => {
  const context = await withFiles(await smallSet());
  const set = await load(context);
  expect(set).toMatchObject({
    classes: ['dark', 'light'],
    shape: [3, 4, 3],
    skipped: { count: 0, first: [] },
  });
  expect([...set.train.labels, ...set.test.labels]).toEqual([0, 0, 1, 0, 1]);
  const inputs = await allInputs(set.train);
  expect([0, 36, 72].map((at) => [...inputs.subarray(at, at + 3)])).toEqual([
    [10, 20, 30],
    [11, 21, 31],
    [200, 210, 220],
  ]);
  expect(await load(context)).toEqual(set);
});

test('an archive of the same files, in any order, has the same digest', async () => {
  const files = await smallSet();
  const context = await withFiles(files);
  const root = context.roots[0];
  const entries = Object.entries(files);
  await writeFile(join(root, 'set.tar.gz'), await tarOf(entries));
  await writeFile(join(root, 'set.tar'), await tarOf([...entries].reverse(), { gzip: false }));
  const { digest } = await load(context);
  expect((await load(context, { path: 'set.tar.gz' })).digest).toBe(digest);
  expect((await load(context, { path: 'set.tar' })).digest).toBe(digest);
});

test('a changed file or option gives other data', async () => {
  const context = await withFiles(await smallSet());
  const before = await load(context);
  await writeFile(join(context.roots[0], 'set/train/dark/1.png'), await png(99, 99, 99, 4, 3));
  const after = await load(context);
  expect(after.digest).not.toBe(before.digest);
  expect((await load(context, { size: [2, 2] })).shape).toEqual([2, 2, 3]);
});

test('grey, transparent, animated and larger images become RGB of one size', async () => {
  const grey = await sharp(Buffer.alloc(64, 128), { raw: { width: 8, height: 8, channels: 1 } })
    .png()
    .toBuffer();
  const clear = await sharp({ create: { width: 4, height: 3, channels: 4, background: '#ff000000' } })
    .png()
    .toBuffer();
  const gif = await sharp(await png(0, 0, 255))
    .gif()
    .toBuffer();
  const deep = await sharp(await png(0, 255, 0))
    .toColourspace('rgb16')
    .png()
    .toBuffer();
  const set = await load(
    await withFiles({
      ...(await smallSet()),
      'train/dark/3.png': grey,
      'train/dark/4.png': clear,
      'train/dark/5.gif': gif,
      'train/dark/6.png': deep,
    }),
  );
  expect(set.skipped.count).toBe(0);
  const inputs = await allInputs(set.train);
  const first = (index: number) => [...inputs.subarray(index * 36, index * 36 + 3)];
  expect([2, 3, 4, 5].map(first)).toEqual([
    [128, 128, 128],
    [255, 255, 255],
    [0, 0, 255],
    [0, 255, 0],
  ]);
});

test('the content of a file decides its format, which a note says where the name differs', async () => {
  const bmp = await readFile(join(import.meta.dirname, '../testing/images/24-bits.bmp'));
  const set = await load(
    await withFiles({
      ...(await smallSet()),
      'train/dark/3.bmp': bmp,
      'train/dark/4 x.png': bmp,
      'train/dark/5.jpg': bmp,
      'train/light/2.gif': await png(1, 2, 3),
    }),
    { size: [3, 4] },
  );
  expect([set.train.count, set.skipped.count]).toEqual([7, 0]);
  expect(set.notes).toEqual([
    '3 images are of another format than the name says, and decoded by the content: train/dark/4 x.png is a BMP file',
  ]);
});

test('images that cannot be decoded are counted and named; the others keep their order', async () => {
  const set = await load(
    await withFiles({
      ...(await smallSet()),
      'train/dark/0.png': Buffer.from('broken'),
      'train/light/0.png': (await png(1, 2, 3, 40, 40)).subarray(0, 90),
    }),
  );
  expect(set.shape).toEqual([3, 4, 3]);
  expect([...set.train.labels]).toEqual([0, 0, 1]);
  const inputs = await allInputs(set.train);
  expect([...inputs.subarray(0, 3)]).toEqual([10, 20, 30]);
  expect([...inputs.subarray(72, 75)]).toEqual([200, 210, 220]);
  expect(set.skipped.count).toBe(2);
  expect(set.skipped.first.map(({ name }) => name)).toEqual(['train/dark/0.png', 'train/light/0.png']);
  expect(set.skipped.first[0].reason).toMatch(/unsupported image format/);
});

test('when most images cannot be decoded, a data_error names some', async () => {
  const files = await smallSet();
  for (let i = 0; i < 20; i++) files[`train/dark/bad${i}.png`] = Buffer.from('x');
  const error = await errorOf(load(await withFiles(files)));
  expect(error.code).toBe('data_error');
  expect(error.message).toMatch(
    /20 of \d+ images could not be decoded, more than half \(train\/dark\/bad0.png: /,
  );
});

test('an image with an enormous size in its header is skipped before decoding, and so is a file beyond the limit', async () => {
  const enormous = await png(1, 2, 3);
  // Width and height in the header, with the checksum that covers them.
  enormous.writeUInt32BE(60_000, 16);
  enormous.writeUInt32BE(60_000, 20);
  enormous.writeUInt32BE(crc32(enormous.subarray(12, 29)), 29);
  const context = await withFiles({ ...(await smallSet()), 'train/dark/a.png': enormous });
  const sparse = await open(join(context.roots[0], 'set/train/light/b.png'), 'w');
  await sparse.truncate(65 * 2 ** 20);
  await sparse.close();
  const { skipped } = await load(context);
  expect(skipped.first).toEqual([
    { name: 'train/dark/a.png', reason: expect.stringMatching(/pixel limit/) },
    { name: 'train/light/b.png', reason: 'is 68157440 bytes long, more than 67108864' },
  ]);
});

test('at most a hundred names of skipped images are kept', async () => {
  const files = await smallSet();
  for (let i = 0; i < 120; i++) {
    files[`train/dark/bad${String(i).padStart(3, '0')}.png`] = Buffer.from('x');
    files[`train/light/good${i}.png`] = files['train/light/1.png'];
  }
  const { skipped } = await load(await withFiles(files));
  expect([skipped.count, skipped.first.length, skipped.first[99].name]).toEqual([
    120,
    100,
    'train/dark/bad099.png',
  ]);
});

test('links that lead out of the allowed folders, and links in archives, are not followed', async () => {
  const files = await smallSet();
  const context = await withFiles(files);
  const root = context.roots[0];
  await writeFile(join(dirname(root), 'secret.png'), await png(1, 1, 1));
  await symlink(join(dirname(root), 'secret.png'), join(root, 'set/train/dark/0.png'));
  const entries = Object.entries(files);
  const link = { type: 'symlink', linkname: '../../../../secret.png' } as const;
  await writeFile(
    join(root, 'set.tar'),
    await tarOf([['train/dark/0.png', link], ...entries], { gzip: false }),
  );
  for (const [path, reason] of [
    ['set', 'is a link to nothing, or to a place outside the allowed folders'],
    ['set.tar', 'is a symlink, not a file'],
  ]) {
    const { train, skipped } = await load(context, { path });
    expect(train.count).toBe(3);
    expect(skipped).toEqual({ count: 1, first: [{ name: 'train/dark/0.png', reason }] });
  }
});

test('links to files and folders below an allowed folder are followed, but not in a circle', async () => {
  const context = await withFiles(await smallSet());
  const [root] = context.roots;
  await writeFiles(join(root, 'elsewhere'), {
    'grey/1.png': await png(100, 100, 100),
    'grey/2.png': await png(101, 101, 101),
    'one.png': await png(13, 23, 33),
  });
  await symlink('../../../elsewhere/one.png', join(root, 'set/train/dark/3.png'));
  await symlink(join(root, 'elsewhere/grey'), join(root, 'set/train/grey'));
  await symlink(join(root, 'elsewhere/grey'), join(root, 'set/test/grey'));
  await symlink('..', join(root, 'set/train/dark/around'));
  const { classes, train, skipped } = await load(context);
  expect(classes).toEqual(['dark', 'grey', 'light']);
  expect([...train.labels]).toEqual([0, 0, 0, 1, 1, 2]);
  expect([...(await allInputs(train)).subarray(72, 75)]).toEqual([13, 23, 33]);
  expect(skipped).toEqual({
    count: 1,
    first: [{ name: 'train/dark/around', reason: 'is a link to a folder that it lies in' }],
  });
});

test('a validation folder beside train/ and test/ is the validation split', async () => {
  const files = {
    ...(await smallSet()),
    'val/dark/1.png': await png(13, 0, 0),
    'val/dark/2.png': Buffer.from('broken'),
    'val/light/1.png': await png(14, 0, 0),
  };
  const context = await withFiles(files);
  const whole = { trainCount: 6, validation: 3, testCount: 2 };
  expect(await imageFolder.outline(choose({ path: 'set' }), context)).toMatchObject(whole);
  const set = await load(context);
  expect([set.validation, [...set.train.labels]]).toEqual([2, [0, 0, 1, 0, 1]]);
  const inputs = await allInputs(set.train);
  expect([3, 4].map((at) => inputs[at * 36])).toEqual([13, 14]);
  expect(set.skipped.first.map(({ name }) => name)).toEqual(['val/dark/2.png']);
  expect(await imageFolder.outline(choose({ path: 'set' }), context)).toMatchObject({
    trainCount: 5,
    validation: 2,
  });
  expect(await load(context)).toEqual(set);
  const read = await load(context, { decoding: 'on_read' });
  expect([read.validation, read.train.count, [...read.train.labels.subarray(3)]]).toEqual([3, 6, [0, 0, 1]]);
  // The broken validation image is replaced by another one of its class, not by a training image.
  const found = await allInputs(read.train);
  expect([3, 4, 5].map((at) => found[at * 36])).toEqual([13, 13, 14]);
});

test('an archive of absolute names is refused with the remedy, and one with empty folders is noted', async () => {
  const context = await contextIn(await temporaryFolder());
  const image = await png(1, 2, 3);
  const entries = (names: string[]) => names.map((name): [string, Buffer] => [name, image]);
  const archive = await tarOf(entries(['/home/me/train/a/1.png', '/home/me/train/b/1.png']));
  await writeFile(join(context.roots[0], 'set.tar.gz'), archive);
  expect(await errorOf(load(context, { path: 'set.tar.gz' }))).toMatchObject({
    code: 'data_error',
    message: expect.stringContaining(
      '2 files are refused, for example /home/me/train/a/1.png, which has an absolute name: pack the folder by a relative name',
    ),
  });
  const empty = await tarOf([
    ['c/', { type: 'directory' }],
    ...entries(['a/1.png', 'a/2.png', 'b/1.png', 'b/2.png']),
  ]);
  await writeFile(join(context.roots[0], 'empty.tar.gz'), empty);
  expect((await load(context, { path: 'empty.tar.gz' })).notes).toEqual([
    'the folder c is empty: "c" is no class',
  ]);
});

test('a folder that cannot be trained on is a data_error at /dataset/path', async () => {
  const broken = Buffer.from('x');
  const cases: [Record<string, Buffer>, RegExp][] = [
    [{ 'notes.txt': broken }, /no class folder with images/],
    [{ 'a/1.png': await png(1, 1, 1), 'a/2.png': await png(1, 1, 1) }, /only the class "a"/],
    [{ ...(await smallSet()), 'test/other/1.png': await png(1, 1, 1) }, /other only in test\//],
    [
      { 'a/1.png': broken, 'a/2.png': broken, 'b/1.png': broken, 'b/2.png': broken },
      /no image could be decoded/,
    ],
    [
      { ...(await smallSet()), 'train/light/1.png': broken },
      /no image of light could be decoded \(train\/light/,
    ],
  ];
  for (const [files, message] of cases) {
    const error = await errorOf(load(await withFiles(files)));
    expect(error.code).toBe('data_error');
    expect(error.fields).toMatchObject([{ path: '/dataset/path', value: 'set', message }]);
  }
  const context = await contextIn(await temporaryFolder());
  await writeFile(join(context.roots[0], 'set'), Buffer.alloc(2000, 'text'));
  expect(await errorOf(load(context))).toMatchObject({ code: 'data_error', message: /^set: .*tar/ });
  expect((await errorOf(load(context, { path: '/etc' }))).fields).toMatchObject([
    { value: '/etc', message: 'is not under an allowed folder', allowed: context.roots },
  ]);
});

test('more than 2 GiB of pixels are decoded when they are read', async () => {
  const files: Record<string, Buffer> = {};
  for (let i = 0; i < 700; i++) files[`${i % 2}/${i}.png`] = Buffer.from('x');
  const { train, notes } = await load(await withFiles(files), { size: [1024, 1024] });
  expect(train.reader).toMatchObject({ kind: 'images', count: 630, window: 85 });
  expect(notes).toEqual([expect.stringMatching(/^The images are decoded while they are read/)]);
});

test('the outline needs no decoding, and uses the decoded copy when there is one', async () => {
  const files = { ...(await smallSet()), 'train/dark/0.png': Buffer.from('broken') };
  const context = await withFiles(files);
  const outline = { classes: ['dark', 'light'], shape: [3, 4, 3], trainCount: 4, testCount: 2 };
  expect(await imageFolder.outline(choose({ path: 'set' }), context)).toEqual(outline);
  await load(context);
  expect(await imageFolder.outline(choose({ path: 'set' }), context)).toEqual({ ...outline, trainCount: 3 });
});

test('a cancelled load throws the reason of the signal', async () => {
  const context = {
    ...(await withFiles(await smallSet())),
    signal: AbortSignal.abort(new Error('cancelled')),
  };
  expect((await errorOf(load(context))).message).toBe('cancelled');
});
