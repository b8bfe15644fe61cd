import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decodeImage, imageSize } from './decode-image.ts';

/** Images of many kinds, and what Pillow decodes them to; `make.py` beside them made both. */
const folder = join(import.meta.dirname, '../testing/images');
const { images } = JSON.parse(readFileSync(join(folder, 'pillow.json'), 'utf8')) as {
  images: Record<string, { size: [number, number]; pixels: string }>;
};
/** Half transparent pixels may round to the other side. */
const tolerance = (name: string) => (name.includes('alpha') ? 1 : 0);

test.each(Object.entries(images))('%s has the pixels of Pillow', async (name, { size, pixels }) => {
  const bytes = readFileSync(join(folder, name));
  expect(await imageSize(bytes)).toEqual(size);
  const decoded = await decodeImage(bytes, { size, fit: 'squash', background: '#ffffff', channels: 3 });
  const wanted = Buffer.from(pixels, 'base64');
  expect(decoded).toHaveLength(wanted.length);
  const differences = [...decoded].map((value, at) => Math.abs(value - wanted[at]));
  expect(Math.max(...differences)).toBeLessThanOrEqual(tolerance(name));
});

test.each([
  ['24-bits.bmp', 300, 'the BMP file ends within its pixels'],
  ['runs-8.bmp', 125, 'the BMP file ends within its pixels'],
  ['24-bits.bmp', 40, 'the BMP file ends within its header'],
])('%s cut off after %i bytes is refused', async (name, length, message) => {
  const bytes = readFileSync(join(folder, name)).subarray(0, length);
  const target = { size: [1, 1], fit: 'squash', background: '#ffffff', channels: 3 } as const;
  await expect(decodeImage(bytes, target)).rejects.toThrow(message);
});

test('a BMP file with an enormous size, or of an unknown kind, is refused before it is decoded', async () => {
  const target = { size: [1, 1], fit: 'squash', background: '#ffffff', channels: 3 } as const;
  const changed = (at: number, value: number) => {
    const bytes = Buffer.from(readFileSync(join(folder, 'runs-8.bmp')));
    bytes.writeInt32LE(value, at);
    return bytes;
  };
  await expect(decodeImage(changed(18, 60_000_000), target)).rejects.toThrow('pixels, more than 50000000');
  await expect(decodeImage(changed(30, 5), target)).rejects.toThrow(
    'in the compression 5, which is not read',
  );
  await expect(decodeImage(changed(14, 41), target)).rejects.toThrow('unknown header of 41 bytes');
});
