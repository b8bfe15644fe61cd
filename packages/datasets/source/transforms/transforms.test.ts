import { randomStream } from '@distillery/engine/random';
import { augmentationSchema } from '@distillery/spec';
import { describe, expect, test } from 'vitest';
import { transforms } from './index.ts';

test('every augmentation that a job may name, and no other, has a transform', () => {
  const { options } = augmentationSchema.shape.type.unwrap();
  expect(transforms.list.map(({ type }) => type)).toEqual(options.filter((type) => type !== 'none'));
  expect(() => transforms.get('mixup')).toThrow('unknown augmentation "mixup": flip, crop_flip');
});

describe.each(transforms.list)('$type', (transform) => {
  test.each([
    [8, 8, 3],
    [5, 9, 1],
    [2, 2, 2],
    [1, 3, 4],
  ])('of [%i, %i, %i] depends on image and stream alone and overwrites its target', (...shape) => {
    const image = Uint8Array.from({ length: shape[0] * shape[1] * shape[2] }, (_, i) => 1 + ((i * 37) % 250));
    for (let seed = 0; seed < 60; seed++) {
      const [one, other] = [new Uint8Array(image.length).fill(255), new Uint8Array(image.length)];
      transform.apply(image, shape, randomStream(seed), one);
      transform.apply(image.slice(), shape, randomStream(seed), other);
      expect(one).toEqual(other);
      expect(one).toEqual(sampled(image, shape, transform.type, seed));
    }
  });
});

/** The definition, pixel by pixel: a window that is moved and then mirrored, black outside the image. */
function sampled(image: Uint8Array, shape: readonly number[], type: string, seed: number): Uint8Array {
  const [height, width, channels] = shape;
  const stream = randomStream(seed);
  const flip = stream.below(2) === 1;
  const [dy, dx] = type === 'crop_flip' ? [stream.below(9) - 4, stream.below(9) - 4] : [0, 0];
  return image.map((_, i) => {
    const [y, x, channel] = [
      Math.floor(i / channels / width),
      Math.floor(i / channels) % width,
      i % channels,
    ];
    const [sourceY, sourceX] = [y + dy, (flip ? width - 1 - x : x) + dx];
    const inside = sourceY >= 0 && sourceY < height && sourceX >= 0 && sourceX < width;
    return inside ? image[(sourceY * width + sourceX) * channels + channel] : 0;
  });
}
