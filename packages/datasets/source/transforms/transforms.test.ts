import { RandomStream, randomStream } from '@distillery/engine/random';
import { sha256, trainingSchemas } from '@distillery/spec';
import { describe, expect, test } from 'vitest';
import { transforms } from './index.ts';
import type { Change } from './transform.ts';

const ofPixels = transforms.list.filter((kind) => kind.changes === 'pixels');

/** A pixel transform with these options and defaults for the rest. */
function opened(type: string, shape: readonly number[], options: object = {}): Change<Uint8Array> {
  const kind = transforms.get(type);
  if (kind.changes !== 'pixels') throw new Error(`${type} changes ${kind.changes}`);
  return kind.open(kind.options.parse(options), shape);
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, extent) => product * extent, 1);

/** An image whose pixels differ and are not black. */
const imageOf = (shape: readonly number[]) =>
  Uint8Array.from({ length: sizeOf(shape) }, (_, i) => 1 + ((i * 37 + (i >> 4)) % 250));

function apply(change: Change<Uint8Array>, image: Uint8Array, stream: RandomStream): Uint8Array {
  const into = new Uint8Array(image.length).fill(255);
  change(image, stream, into);
  return into;
}

test('every word that names an augmentation is a transform', () => {
  const { options } = trainingSchemas(transforms).augmentation.shape.type.unwrap();
  const words = options.filter((type) => type !== 'none');
  expect(transforms.list.map(({ type }) => type)).toEqual(expect.arrayContaining(words));
  expect(() => transforms.get('warp')).toThrow('unknown kind "warp": flip, crop');
});

test('the catalogue tells what each transform changes', () => {
  const changes = transforms.catalogue().map((entry) => [entry.type, entry.changes]);
  expect(changes).toContainEqual(['rand_augment', 'pixels']);
  expect(changes).toContainEqual(['cutmix', 'pairs']);
  expect(changes).toContainEqual(['token_dropout', 'tokens']);
});

describe.each(ofPixels)('$type', ({ type }) => {
  test.each([
    [8, 8, 3],
    [5, 9, 1],
    [2, 2, 2],
    [1, 1, 3],
    [1, 1, 1],
    [1, 3, 4],
    [33, 7, 3],
  ])('of [%i, %i, %i] depends on image and stream alone, and overwrites its target', (...shape) => {
    const image = imageOf(shape);
    const [one, other] = [opened(type, shape), opened(type, shape)];
    for (let seed = 0; seed < 80; seed++) {
      const first = apply(one, image, randomStream(seed));
      const into = new Uint8Array(image.length);
      other(image.slice(), randomStream(seed), into);
      expect(first).toEqual(into);
    }
    expect(image).toEqual(imageOf(shape));
  });

  test('differs from stream to stream', () => {
    const shape = [12, 10, 3];
    const change = opened(type, shape);
    const results = Array.from({ length: 40 }, (_, seed) =>
      apply(change, imageOf(shape), randomStream(seed)).join(),
    );
    expect(new Set(results).size).toBeGreaterThan(type === 'flip' ? 1 : 10);
  });
});

test('the bytes of a view do not move, because stored outputs belong to them', () => {
  const shape = [17, 20, 3];
  const digests = Object.fromEntries(
    ofPixels.map(({ type }) => {
      const change = opened(type, shape);
      const all = Array.from({ length: 30 }, (_, seed) => apply(change, imageOf(shape), randomStream(seed)));
      return [type, sha256(Buffer.concat(all)).slice(0, 16)];
    }),
  );
  expect(digests).toEqual({
    color_jitter: '5427caed2e29a1f4',
    crop: '1be5603274635476',
    crop_flip: 'f1eb5219f4b20342',
    flip: 'f4678a7da13aff97',
    rand_augment: '09fb6f70f25e0ba3',
    random_erasing: '19b5e9ba2b10a5e4',
    random_resized_crop: '5a7d79adc421bfe1',
    trivial_augment: 'f4049807898db55c',
  });
});

describe('shifts and flips', () => {
  const shapes = [
    [8, 8, 3],
    [5, 9, 1],
    [2, 2, 2],
    [1, 3, 4],
  ];

  test.each(shapes)('crop_flip, crop and flip of [%i, %i, %i] follow their definition', (...shape) => {
    const image = imageOf(shape);
    for (let seed = 0; seed < 60; seed++) {
      const draw = () => randomStream(seed);
      const below = (stream: RandomStream, reach: number) => stream.below(2 * reach + 1) - reach;
      const stream = draw();
      const both = [stream.below(2) === 1, below(stream, 4), below(stream, 4)] as const;
      expect(apply(opened('crop_flip', shape), image, draw())).toEqual(moved(image, shape, ...both, 0));
      const wide = draw();
      const crop = [false, below(wide, 2), below(wide, 2)] as const;
      expect(apply(opened('crop', shape, { padding: 2, fill: 9 }), image, draw())).toEqual(
        moved(image, shape, ...crop, 9),
      );
      const mirrored = draw().uniform() >= 0.5;
      expect(apply(opened('flip', shape), image, draw())).toEqual(moved(image, shape, mirrored, 0, 0, 0));
    }
  });

  test('a flip has its probability', () => {
    const image = imageOf([1, 2, 1]);
    const share = (probability: number) => {
      const flip = opened('flip', [1, 2, 1], { probability });
      const all = Array.from({ length: 400 }, (_, seed) => apply(flip, image, randomStream(seed))[0]);
      return all.filter((first) => first !== image[0]).length / all.length;
    };
    expect([share(0), share(1)]).toEqual([0, 1]);
    expect(Math.abs(share(0.2) - 0.2)).toBeLessThan(0.06);
  });
});

/** The definition, pixel by pixel: a window that is moved and then mirrored, filled outside the image. */
function moved(
  image: Uint8Array,
  [height, width, channels]: readonly number[],
  mirrored: boolean,
  down: number,
  right: number,
  fill: number,
): Uint8Array {
  return image.map((_, i) => {
    const [y, x, channel] = [
      Math.floor(i / channels / width),
      Math.floor(i / channels) % width,
      i % channels,
    ];
    const [sourceY, sourceX] = [y + down, (mirrored ? width - 1 - x : x) + right];
    const inside = sourceY >= 0 && sourceY < height && sourceX >= 0 && sourceX < width;
    return inside ? image[(sourceY * width + sourceX) * channels + channel] : fill;
  });
}

describe('random_resized_crop', () => {
  const shape = [40, 40, 1];
  /** Columns count from left to right, so that the results tell where they came from. */
  const ramp = Uint8Array.from({ length: 1600 }, (_, i) => 5 * (i % 40));

  test('of the whole area, at the ratio of the image, is the image', () => {
    const options = { scale: [1, 1], ratio: [1, 1] };
    expect(apply(opened('random_resized_crop', shape, options), ramp, randomStream(3))).toEqual(ramp);
  });

  test('keeps a quarter of the area as half of the columns', () => {
    const crop = opened('random_resized_crop', shape, { scale: [0.25, 0.25], ratio: [1, 1] });
    const starts = new Set<number>();
    for (let seed = 0; seed < 200; seed++) {
      const [first, ...rest] = apply(crop, ramp, randomStream(seed)).subarray(0, 40);
      // The edge is repeated, so the ends are those of the part: 19 columns of 5 apart.
      expect(rest[38] - first).toBe(95);
      starts.add(first / 5);
    }
    expect([Math.min(...starts), Math.max(...starts)]).toEqual([0, 20]);
  });

  test('falls back to the middle where no part has an allowed ratio', () => {
    const crop = opened('random_resized_crop', shape, { scale: [1, 1], ratio: [0.5, 0.5] });
    const [first] = apply(crop, ramp, randomStream(0));
    expect(first).toBe(50);
  });
});

describe('random_erasing', () => {
  const shape = [30, 20, 3];
  const image = new Uint8Array(1800).fill(200);
  const erased = (options: object, seed: number) =>
    apply(opened('random_erasing', shape, options), image, randomStream(seed));

  test('erases a rectangle of an allowed area, with its probability', () => {
    const shares = Array.from({ length: 400 }, (_, seed) => {
      const lost = erased({ fill: 0, scale: [0.1, 0.2] }, seed).filter((byte) => byte === 0).length;
      expect(lost % 3).toBe(0);
      return lost / 1800;
    });
    const some = shares.filter((share) => share > 0);
    expect(Math.abs(some.length / 400 - 0.5)).toBeLessThan(0.1);
    expect([Math.min(...some) > 0.08, Math.max(...some) < 0.22]).toEqual([true, true]);
  });

  test('fills with random bytes in every channel', () => {
    const changed = erased({ probability: 1, scale: [0.3, 0.3], ratio: [1, 1] }, 4).filter((b) => b !== 200);
    expect(new Set(changed).size).toBeGreaterThan(150);
  });

  test('leaves an image as it is that is too small for a rectangle', () => {
    const tiny = Uint8Array.of(7, 8, 9);
    expect(apply(opened('random_erasing', [1, 1, 3], { probability: 1 }), tiny, randomStream(1))).toEqual(
      tiny,
    );
  });
});

describe('color_jitter', () => {
  const shape = [4, 4, 3];

  test('without strength changes nothing', () => {
    const none = { brightness: 0, contrast: 0, saturation: 0, hue: 0 };
    expect(apply(opened('color_jitter', shape, none), imageOf(shape), randomStream(1))).toEqual(
      imageOf(shape),
    );
  });

  test('keeps grey pixels grey, and leaves colour alone where there are no three channels', () => {
    const grey = Uint8Array.from({ length: 48 }, (_, i) => 10 + 4 * Math.floor(i / 3));
    const colour = opened('color_jitter', shape, { brightness: 0, contrast: 0, saturation: 2, hue: 0.5 });
    expect(apply(colour, grey, randomStream(2))).toEqual(grey);
    const two = [4, 4, 2];
    const ofTwo = opened('color_jitter', two, { brightness: 0, contrast: 0, saturation: 2, hue: 0.5 });
    expect(apply(ofTwo, imageOf(two), randomStream(2))).toEqual(imageOf(two));
  });
});

describe('the policies', () => {
  const shape = [9, 9, 3];

  test('rand_augment of magnitude 0 changes nothing but by the operations without a strength', () => {
    const change = opened('rand_augment', shape, { operations: 1, magnitude: 0 });
    const results = Array.from({ length: 300 }, (_, seed) =>
      apply(change, imageOf(shape), randomStream(seed)),
    );
    const same = results.filter((result) => Buffer.compare(result, imageOf(shape)) === 0).length;
    // Auto contrast and equalisation are two of 14. The image has no byte of 255 to invert.
    expect(Math.abs(same / 300 - 12 / 14)).toBeLessThan(0.1);
  });

  test('more operations change more', () => {
    const distance = (operations: number) => {
      const change = opened('rand_augment', shape, { operations });
      const image = imageOf(shape);
      const sums = Array.from({ length: 100 }, (_, seed) =>
        apply(change, image, randomStream(seed)).reduce((sum, byte, i) => sum + Math.abs(byte - image[i]), 0),
      );
      return sums.reduce((sum, one) => sum + one, 0);
    };
    expect(distance(4)).toBeGreaterThan(1.2 * distance(1));
  });
});

test.each(['random_resized_crop', 'random_erasing'])('%s refuses ranges that are none', (type) => {
  const refusal = (options: object) => transforms.schema.safeParse({ type, ...options }).error?.issues[0];
  expect(refusal({ scale: [0.5, 0.1] })).toMatchObject({
    path: ['scale'],
    message: 'must have the smaller number first',
  });
  for (const scale of [[0.5], [0.1, 0.2, 0.3], [0, 1], [0.1, 2]])
    expect(refusal({ scale })).toMatchObject({ path: expect.arrayContaining(['scale']) });
  expect(refusal({ scale: [0.2, 0.2], ratio: [1, 1] })).toBeUndefined();
});
