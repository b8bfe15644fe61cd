import { expect, test } from 'vitest';
import golden from '../../testing/golden/transforms.json' with { type: 'json' };
import { adjustBrightness, adjustContrast, adjustSaturation, adjustSharpness, turnHue } from './color.ts';
import { resizer } from './resize.ts';
import { autoContrast, equalize, lookUp, posterize, solarize } from './tables.ts';
import { rotation, shearX, shearY, translation, warp } from './warp.ts';

// The results of torchvision for one image; testing/golden/README.md tells how they were made.

const { shape } = golden;
const decoded = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
const image = decoded(golden.image);
const [nearest, bilinear] = (['nearest', 'bilinear'] as const).map((interpolation) => ({
  interpolation,
  fill: 0,
}));

type Into = (into: Uint8Array) => void;
const ours: Record<keyof typeof golden.results, Into> = {
  shear_x: (into) => warp(image, shape, shearX(0.3), nearest, into),
  shear_x_bilinear: (into) => warp(image, shape, shearX(-0.3), bilinear, into),
  shear_y: (into) => warp(image, shape, shearY(0.27), nearest, into),
  shear_y_bilinear: (into) => warp(image, shape, shearY(0.27), bilinear, into),
  translate_x: (into) => warp(image, shape, translation(3, 0), nearest, into),
  translate_y: (into) => warp(image, shape, translation(0, -5), bilinear, into),
  rotate: (into) => warp(image, shape, rotation(29, shape), nearest, into),
  rotate_bilinear: (into) => warp(image, shape, rotation(-41, shape), bilinear, into),
  brightness_up: (into) => adjustBrightness(image, 3, 1.9, into),
  brightness_down: (into) => adjustBrightness(image, 3, 0.37, into),
  color_up: (into) => adjustSaturation(image, 3, 1.9, into),
  color_down: (into) => adjustSaturation(image, 3, 0.19, into),
  contrast_up: (into) => adjustContrast(image, 3, 1.9, into),
  contrast_down: (into) => adjustContrast(image, 3, 0.64, into),
  sharpness_up: (into) => adjustSharpness(image, shape, 1.9, into),
  sharpness_down: (into) => adjustSharpness(image, shape, 0.1, into),
  posterize: (into) => lookUp(image, 3, posterize(3), into),
  solarize: (into) => lookUp(image, 3, solarize(110), into),
  auto_contrast: (into) => lookUp(image, 3, autoContrast(image, 3), into),
  equalize: (into) => lookUp(image, 3, equalize(image, 3), into),
  hue: (into) => turnHue(image, 3, 0.23, into),
  hue_back: (into) => turnHue(image, 3, -0.4, into),
  resized_crop: (into) => resizer(shape)(image, { top: 3, left: 5, height: 7, width: 11 }, into),
};

/** torchvision cuts fractions off where this package rounds, so that bytes may differ by 1, or 2 behind a grey of its own. */
const tolerance: Partial<Record<keyof typeof ours, number>> = {
  posterize: 0,
  solarize: 0,
  equalize: 0,
  shear_x: 0,
  shear_y: 0,
  translate_x: 0,
  translate_y: 0,
  rotate: 0,
  color_up: 2,
  color_down: 2,
  contrast_up: 2,
  hue: 2,
  hue_back: 2,
};

test.each(Object.entries(ours))('%s equals torchvision', (name, apply) => {
  const into = new Uint8Array(image.length).fill(77);
  apply(into);
  const expected = decoded(golden.results[name as keyof typeof ours]);
  expect(Buffer.compare(expected, image)).not.toBe(0);
  const differences = into.map((byte, i) => Math.abs(byte - expected[i]));
  expect(Math.max(...differences)).toBeLessThanOrEqual(tolerance[name as keyof typeof ours] ?? 1);
});

test('pixels from outside have the fill, and a whole turn is the image', () => {
  const into = new Uint8Array(image.length);
  warp(image, shape, translation(4, 0), { interpolation: 'nearest', fill: 17 }, into);
  expect([...into.subarray(0, 12)]).toEqual(Array(12).fill(17));
  for (const interpolation of ['nearest', 'bilinear'] as const) {
    warp(image, shape, rotation(360, shape), { interpolation, fill: 0 }, into);
    expect(into).toEqual(image);
  }
});

test('a channel of one value stays as it is', () => {
  const flat = new Uint8Array(300).fill(90);
  for (const tableOf of [autoContrast, equalize]) {
    const into = new Uint8Array(300);
    lookUp(flat, 3, tableOf(flat, 3), into);
    expect(into).toEqual(flat);
  }
});
