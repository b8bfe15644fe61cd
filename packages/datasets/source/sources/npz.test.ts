import { describe, expect, test } from 'vitest';
import type { Dataset } from '../dataset.ts';
import { allInputs } from '../testing/all-inputs.ts';
import { npyFile, zipFile } from '../testing/array-files.ts';
import { contextIn, errorOf, temporaryFolder, writeFiles } from '../testing/fixtures.ts';
import { npz } from './npz.ts';

const count = 12;
const labels = Buffer.from(Array.from({ length: count }, (_, i) => i % 2));
const pixels = Array.from({ length: count * 12 }, (_, i) => i);
/** `[12, 2, 3, 2]` in C order: pixel i is i. */
const images = npyFile('|u1', [count, 2, 3, 2], Buffer.from(pixels));

async function withArrays(arrays: Record<string, Uint8Array>, compress = true) {
  const context = await contextIn(await temporaryFolder());
  const entries = Object.fromEntries(Object.entries(arrays).map(([name, file]) => [`${name}.npy`, file]));
  await writeFiles(context.roots[0], { 'set.npz': zipFile(entries, { compress }) });
  return context;
}
const choose = (options: object = {}) => npz.options.parse({ path: 'set.npz', ...options });
const y = npyFile('|u1', [count], labels);
/** Test images that are the training images, so that the training split keeps its order. */
const both = (x: Uint8Array, of: Uint8Array = y) => ({ x_train: x, y_train: of, x_test: x, y_test: of });
const inputs = async (set: Dataset) => [...(await allInputs(set.train))];

function bytesOf(
  values: readonly number[],
  bytes: number,
  write: (to: DataView, at: number, value: number) => void,
) {
  const to = Buffer.alloc(values.length * bytes);
  const view = new DataView(to.buffer, to.byteOffset, to.length);
  for (const [i, value] of values.entries()) write(view, i * bytes, value);
  return to;
}

describe('images', () => {
  test.each([true, false])('as they are; compressed %s', async (compress) => {
    const set = await npz.load(choose(), await withArrays(both(images), compress));
    expect(set).toMatchObject({ classes: ['0', '1'], shape: [2, 3, 2], notes: [] });
    expect(await inputs(set)).toEqual(pixels);
    expect([...set.test.labels]).toEqual([...labels]);
    expect(set.normalization?.mean).toHaveLength(2);
  });

  test.each<[string, string, Buffer]>([
    ['uint16', '<u2', bytesOf(pixels, 2, (to, at, value) => to.setUint16(at, value, true))],
    ['big-endian int32', '>i4', bytesOf(pixels, 4, (to, at, value) => to.setInt32(at, value))],
    ['int64', '<i8', bytesOf(pixels, 8, (to, at, value) => to.setBigInt64(at, BigInt(value), true))],
    [
      'float32 from 0 to 1',
      '<f4',
      bytesOf(pixels, 4, (to, at, value) => to.setFloat32(at, value / 255, true)),
    ],
    [
      'float64 from 0 to 1',
      '<f8',
      bytesOf(pixels, 8, (to, at, value) => to.setFloat64(at, value / 255, true)),
    ],
  ])('of %s', async (_type, descr, content) => {
    const set = await npz.load(choose(), await withArrays(both(npyFile(descr, [count, 2, 3, 2], content))));
    expect(await inputs(set)).toEqual(pixels);
  });

  test('of float16 and of truth values', async () => {
    const half = bytesOf(
      pixels.map((i) => [0, 0x3800, 0x3c00][i % 3]),
      2,
      (to, at, value) => to.setUint16(at, value, true),
    );
    const set = await npz.load(choose(), await withArrays(both(npyFile('<f2', [count, 4, 3], half))));
    expect([set.shape, (await inputs(set)).slice(0, 4)]).toEqual([
      [4, 3, 1],
      [0, 128, 255, 0],
    ]);
    expect(set.notes).toEqual([
      'the fractions of x_train are rounded to 256 levels',
      'the fractions of x_test are rounded to 256 levels',
    ]);
    const truth = await withArrays(
      both(npyFile('|b1', [count, 4, 3], Buffer.from(pixels.map((i) => i % 2)))),
    );
    expect((await inputs(await npz.load(choose(), truth))).slice(0, 3)).toEqual([0, 255, 0]);
  });

  test('of another range', async () => {
    const content = bytesOf(pixels, 4, (to, at, value) => to.setFloat32(at, value / 127.5 - 1, true));
    const context = await withArrays(both(npyFile('<f4', [count, 2, 3, 2], content)));
    expect((await errorOf(npz.load(choose(), context))).message).toMatch(
      /set\.npz, x_train: x_train: holds -1, outside of \[0, 1\]; set "range"/,
    );
    expect(await inputs(await npz.load(choose({ range: [-1, 1] }), context))).toEqual(pixels);
  });

  test("in Fortran's order, and with channels first", async () => {
    const at = (n: number, h: number, w: number, c: number) => ((n * 2 + h) * 3 + w) * 2 + c;
    const fortran: number[] = [];
    for (let c = 0; c < 2; c++)
      for (let w = 0; w < 3; w++)
        for (let h = 0; h < 2; h++) for (let n = 0; n < count; n++) fortran.push(at(n, h, w, c));
    const set = await npz.load(
      choose(),
      await withArrays(both(npyFile('|u1', [count, 2, 3, 2], Buffer.from(fortran), true))),
    );
    expect(await inputs(set)).toEqual(pixels);
    const first: number[] = [];
    for (let n = 0; n < count; n++)
      for (let c = 0; c < 2; c++)
        for (let h = 0; h < 2; h++) for (let w = 0; w < 3; w++) first.push(at(n, h, w, c));
    const chw = await withArrays(both(npyFile('|u1', [count, 2, 2, 3], Buffer.from(first))));
    expect(await inputs(await npz.load(choose({ layout: 'nchw' }), chw))).toEqual(pixels);
  });
});

test('labels that are texts, names of arrays, and a part that is held out', async () => {
  const names = bytesOf(
    Array.from({ length: 3 * count }, (_, i) => 'dogcat'.charCodeAt(i % 6)),
    4,
    (to, at, value) => to.setUint32(at, value, true),
  );
  const context = await withArrays({ pictures: images, kind: npyFile('<U3', [count], names), extra: y });
  const error = await errorOf(npz.load(choose(), context));
  expect(error).toMatchObject({
    code: 'data_error',
    fields: [{ path: '/dataset/images', allowed: ['pictures', 'kind', 'extra'] }],
  });
  const set = await npz.load(choose({ images: 'pictures', labels: 'kind', testFraction: 0.5 }), context);
  expect(set).toMatchObject({ classes: ['cat', 'dog'], notes: ['arrays that are not used: extra'] });
  expect([set.train.count, set.test.count]).toEqual([6, 6]);
  const column = await withArrays(
    both(
      images,
      npyFile(
        '<f8',
        [count, 1],
        bytesOf([...labels], 8, (to, at, value) => to.setFloat64(at, 7 * value, true)),
      ),
    ),
  );
  expect((await npz.load(choose(), column)).classes).toEqual(['0', '7']);
});

describe('files that cannot be trained on are a data_error that names the array', () => {
  const one = npyFile('|u1', [count, 2], Buffer.alloc(2 * count));
  test.each<[string, Record<string, Uint8Array>, RegExp]>([
    [
      'one-hot labels',
      both(images, one),
      /y_train: has the shape \[12,2\]; labels are \[count\]; for one-hot labels save their argmax/,
    ],
    [
      'fractions as labels',
      both(
        images,
        npyFile(
          '<f4',
          [count],
          bytesOf([...labels], 4, (to, at) => to.setFloat32(at, 0.5, true)),
        ),
      ),
      /y_train: label 0 is 0\.5/,
    ],
    ['two axes', both(one), /x_train: has the shape \[12,2\]; images are/],
    [
      'objects',
      both(npyFile('|O', [count, 2, 3], Buffer.alloc(9))),
      /x_train: holds Python objects as a pickle, which is never loaded/,
    ],
    [
      'texts as images',
      both(npyFile('<U1', [count, 1, 1], Buffer.alloc(4 * count))),
      /x_train: x_train?.* texts \(<U1\)|holds texts/,
    ],
    ['complex numbers', both(npyFile('<c8', [count, 2, 3], Buffer.alloc(8))), /x_train: has the type "<c8"/],
    [
      'too few bytes',
      both(npyFile('|u1', [count, 2, 3], Buffer.alloc(70))),
      /x_train: (holds fewer bytes|ends after 11)/,
    ],
    [
      'too many bytes',
      both(npyFile('|u1', [count, 2, 3], Buffer.alloc(80))),
      /x_train: (holds more bytes|goes on)/,
    ],
    [
      'not an array',
      both(Buffer.from('PK or another file')),
      /y_test|x_train: is not an array in the format of NumPy/,
    ],
    ['half a header', both(images.subarray(0, 40)), /x_train: ends within its header/],
    [
      'another size in test',
      { ...both(images), x_test: npyFile('|u1', [count, 3, 3], Buffer.alloc(9 * count)) },
      /images of \[3,3,1\], but those of set\.npz, x_train are \[2,3,2\]/,
    ],
  ])('%s', async (_what, arrays, message) => {
    const error = await errorOf(npz.load(choose(), await withArrays(arrays)));
    expect(error).toMatchObject({ code: 'data_error', message: expect.stringMatching(message) });
  });

  test('a damaged file, and one of another format', async () => {
    const context = await withArrays(both(images), false);
    const file = zipFile({ 'x_train.npy': images, 'y_train.npy': y }, { compress: false });
    file[file.indexOf(Buffer.from(pixels.slice(20, 40)))] ^= 1;
    await writeFiles(context.roots[0], { 'set.npz': file, 'other.npz': Buffer.from('text,label\n') });
    expect((await errorOf(npz.load(choose(), context))).message).toMatch(
      /x_train: is damaged: its checksum is wrong/,
    );
    expect((await errorOf(npz.load(choose({ path: 'other.npz' }), context))).message).toMatch(
      /^other\.npz: is not an NPZ file/,
    );
  });
});
