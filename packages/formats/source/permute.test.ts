import { expect, test } from 'vitest';
import { permute } from './permute.ts';

const count = (length: number) => Float32Array.from({ length }, (_, index) => index);

test('transposes a matrix', () => {
  expect(permute(count(6), [2, 3], [1, 0])).toEqual({
    data: Float32Array.of(0, 3, 1, 4, 2, 5),
    shape: [3, 2],
  });
});

test('leaves the identity as a copy', () => {
  const data = count(24);
  const same = permute(data, [2, 3, 4], [0, 1, 2]);
  expect(same).toEqual({ data, shape: [2, 3, 4] });
  expect(same.data).not.toBe(data);
});

test.each([[[3, 2, 0, 1]], [[2, 0, 3, 1]], [[1, 0, 2, 3]], [[0, 3, 1, 2]]])(
  'moves each element of four dimensions to its place by %j, and the inverse moves it back',
  (axes) => {
    const shape = [2, 3, 4, 5];
    const { data, shape: outShape } = permute(count(120), shape, axes);
    expect(outShape).toEqual(axes.map((axis) => shape[axis]));
    const at = (index: number[], lengths: number[]) =>
      index.reduce((offset, i, axis) => offset * lengths[axis] + i, 0);
    for (let flat = 0; flat < 120; flat++) {
      const index = [Math.floor(flat / 60), Math.floor(flat / 20) % 3, Math.floor(flat / 5) % 4, flat % 5];
      expect(
        data[
          at(
            axes.map((axis) => index[axis]),
            outShape,
          )
        ],
      ).toBe(flat);
    }
    const inverse = axes.map((_, axis) => axes.indexOf(axis));
    expect(permute(data, outShape, inverse)).toEqual({ data: count(120), shape });
  },
);

test.each([
  [[], []],
  [[1], [0]],
])('keeps one element of shape %j', (shape, axes) => {
  expect(permute(Float32Array.of(7), shape, axes)).toEqual({ data: Float32Array.of(7), shape });
});

test('keeps nothing of an empty dimension', () => {
  expect(permute(new Float32Array(0), [2, 0, 3], [2, 0, 1])).toEqual({
    data: new Float32Array(0),
    shape: [3, 2, 0],
  });
});

test('reads each element of a convolution kernel once', () => {
  const kernel = count(3 * 3 * 64 * 32);
  let reads = 0;
  const counted = new Proxy(kernel, {
    get(target, name) {
      if (typeof name === 'string' && /^\d+$/.test(name)) reads++;
      return Reflect.get(target, name);
    },
  });
  const { data } = permute(counted, [3, 3, 64, 32], [3, 2, 0, 1]);
  expect(data).toEqual(permute(kernel, [3, 3, 64, 32], [3, 2, 0, 1]).data);
  expect(reads).toBe(kernel.length);
});

test.each([
  [[2, 2], [1, 0], 'the shape [2,2] does not hold 6 elements'],
  [[2, 3], [0], '[0] is not a permutation of the 2 axes of [2,3]'],
  [[2, 3], [0, 0], '[0,0] is not a permutation of the 2 axes of [2,3]'],
  [[2, 3], [1, 2], '[1,2] is not a permutation of the 2 axes of [2,3]'],
])('refuses the shape %j with the axes %j', (shape, axes, message) => {
  expect(() => permute(count(6), shape, axes)).toThrow(new RangeError(message));
});
