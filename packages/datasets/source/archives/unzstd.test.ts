import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { recognise } from '../recognise.ts';
import { imageFolder } from '../sources/image-folder.ts';
import { contextIn, errorOf, temporaryFolder, tarOf, writeFiles, png } from '../testing/fixtures.ts';
import { unzstd } from './unzstd.ts';

/** A tar archive of six images that `zstd -19` has packed. */
const packed = readFileSync(join(import.meta.dirname, '../testing/archives/small.tar.zst'));
const magic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** A frame with a window of 2^`window` bytes, of blocks that are stored as they are or repeat a byte. */
function frame(blocks: (Buffer | { byte: number; count: number })[], window = 17): Buffer {
  const parts = blocks.map((block, at) => {
    const isLast = at === blocks.length - 1 ? 1 : 0;
    const [type, size, body] = Buffer.isBuffer(block)
      ? [0, block.length, block]
      : [1, block.count, Buffer.from([block.byte])];
    const header = Buffer.alloc(3);
    header.writeUIntLE((size << 3) | (type << 1) | isLast, 0, 3);
    return Buffer.concat([header, body]);
  });
  return Buffer.concat([magic, Buffer.from([0, (window - 10) << 3]), ...parts]);
}

async function unpacked(bytes: Buffer, step = bytes.length): Promise<Buffer> {
  async function* source() {
    for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
  }
  const parts: Uint8Array[] = [];
  for await (const part of unzstd(source())) parts.push(Uint8Array.from(part));
  return Buffer.concat(parts);
}

test('frames in pieces of any size, one after the other, with parts to skip', async () => {
  const skipped = Buffer.concat([Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0]), Buffer.from('abc')]);
  const bytes = Buffer.concat([
    frame([Buffer.from('hello, '), { byte: 120, count: 5 }]),
    skipped,
    frame([Buffer.from('!')]),
  ]);
  for (const step of [1, 7, 1000]) expect((await unpacked(bytes, step)).toString()).toBe('hello, xxxxx!');
  const tar = await unpacked(packed);
  expect([tar.length % 512, tar.toString('latin1', 257, 262)]).toEqual([0, 'ustar']);
  expect(await unpacked(packed, 3)).toEqual(tar);
});

test('a block is passed on before the next one is unpacked', async () => {
  // A gigabyte of zeros in 33 KB.
  const bomb = frame(Array.from({ length: 8192 }, () => ({ byte: 0, count: 131_072 })));
  async function* source() {
    yield bomb;
  }
  const unpacking = unzstd(source());
  const { value } = await unpacking.next();
  expect(value).toHaveLength(131_072);
  await unpacking.return(undefined);
});

test.each([
  ['ends early', () => packed.subarray(0, packed.length - 9), 'ends within a Zstandard frame'],
  ['has a huge window', () => frame([Buffer.from('x')], 28), 'needs a window of 268435456 bytes'],
  [
    'is something else behind a frame',
    () => Buffer.concat([frame([Buffer.from('x')]), Buffer.from('text')]),
    'is no Zstandard file',
  ],
])('a file that %s is refused', async (_what, bytes, message) => {
  await expect(unpacked(bytes())).rejects.toThrow(message);
});

test('an archive of images is read, and recognised', async () => {
  const context = await contextIn(await temporaryFolder());
  const bomb = await tarOf([['a/1.png', await png(1, 2, 3)]], { gzip: false });
  await writeFiles(context.roots[0], {
    'set.tar.zst': packed,
    'bomb.tar.zst': Buffer.concat([
      frame([bomb]),
      frame(Array.from({ length: 400 }, () => ({ byte: 0, count: 131_072 }))),
    ]),
  });
  const choose = (path: string) => imageFolder.options.parse({ path });
  const set = await imageFolder.load(choose('set.tar.zst'), context);
  expect([set.classes, set.train.count, set.test.count]).toEqual([['a', 'b'], 4, 2]);
  expect(await recognise(join(context.roots[0], 'set.tar.zst'))).toEqual({
    source: 'image_folder',
    options: {},
  });
  expect(await errorOf(imageFolder.load(choose('bomb.tar.zst'), context))).toMatchObject({
    code: 'data_error',
    message: expect.stringContaining('bytes follow that belong to no entry'),
  });
});
