import { expect, test } from 'vitest';
import { RandomStream, randomStream } from './random.ts';

const draw = <T>(count: number, next: () => T) => Array.from({ length: count }, next);
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

test('the numbers of a key never change, because stored runs resume with them', () => {
  const stream = randomStream(42, 'dropout', 'classifier.2', 7);
  expect(draw(4, () => stream.uint32())).toEqual([2714259137, 1176218147, 1486293125, 3485827125]);
  expect(stream.uniform()).toBe(0.9218339000362903);
  expect(stream.normal()).toBeCloseTo(0.5344641058165931, 12);
  expect(stream.below(10)).toBe(5);
  expect(randomStream(0, 'shuffle').shuffle([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])).toEqual([
    9, 1, 3, 0, 2, 6, 8, 7, 4, 5,
  ]);
});

test('agrees with sfc32 as published, in unsigned arithmetic', () => {
  const word = 2n ** 32n;
  let [a, b, c, counter] = [0xdeadbeefn, 0x12345678n, 0xffffffffn, 1n];
  const next = () => {
    const sum = (a + b + counter) % word;
    counter = (counter + 1n) % word;
    a = b ^ (b >> 9n);
    b = (c + (c << 3n)) % word;
    c = ((((c << 21n) % word) | (c >> 11n)) + sum) % word;
    return Number(sum);
  };
  draw(12, next);
  const stream = new RandomStream(0xdeadbeef, 0x12345678, 0xffffffff);
  expect(draw(100, () => stream.uint32())).toEqual(draw(100, next));
});

test('a stream depends on its whole key', () => {
  const first = (seed: number, ...key: (string | number)[]) => randomStream(seed, ...key).uint32();
  expect(first(1, 'a', 2)).toBe(first(1, 'a', 2));
  const keys = [
    first(1, 'a', 2),
    first(2, 'a', 2),
    first(1, 'b', 2),
    first(1, 'a', 3),
    first(1, 'a', '2'),
    first(1, 'a'),
    first(1, 'a2'),
    first(12, 'a'),
    first(1, 2, 'a'),
  ];
  expect(new Set(keys).size).toBe(keys.length);
});

test('streams of neighbouring keys are independent', () => {
  const pairs = draw(4000, () => 0).map((_, i) => [
    randomStream(i, 'a').uniform() - 0.5,
    randomStream(i + 1, 'a').uniform() - 0.5,
  ]);
  // The correlation of n independent pairs has the standard deviation 1/√n = .016.
  expect(Math.abs(mean(pairs.map(([x, y]) => x * y)) * 12)).toBeLessThan(0.06);
});

test('uniform numbers fill [0, 1) evenly', () => {
  const stream = randomStream(5, 'uniform');
  const values = draw(100_000, () => stream.uniform());
  expect(Math.min(...values.slice(0, 50_000))).toBeGreaterThanOrEqual(0);
  expect(values.every((value) => value < 1)).toBe(true);
  const counts = draw(20, () => 0);
  for (const value of values) counts[Math.floor(value * 20)]++;
  const chiSquared = counts.reduce((sum, count) => sum + (count - 5000) ** 2 / 5000, 0);
  // Chi-squared with 19 degrees of freedom, with tails of 1 in 10,000.
  expect(chiSquared).toBeGreaterThan(4.5);
  expect(chiSquared).toBeLessThan(52);
});

test('below covers its whole range', () => {
  const stream = randomStream(5, 'below');
  const counts = draw(7, () => 0);
  for (let i = 0; i < 7000; i++) counts[stream.below(7)]++;
  expect(counts).toHaveLength(7);
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
});

test('normal has the moments of the standard normal distribution', () => {
  const stream = randomStream(5, 'normal');
  const values = draw(100_000, () => stream.normal());
  const moment = (power: number) => mean(values.map((value) => value ** power));
  expect(values.every(Number.isFinite)).toBe(true);
  expect(Math.abs(moment(1))).toBeLessThan(0.015);
  expect(Math.abs(moment(2) - 1)).toBeLessThan(0.025);
  expect(Math.abs(moment(3))).toBeLessThan(0.05);
  expect(Math.abs(moment(4) - 3)).toBeLessThan(0.2);
  expect(Math.abs(mean(values.slice(1).map((value, i) => value * values[i])))).toBeLessThan(0.015);
});

test('shuffle permutes in place, and every order occurs', () => {
  const items = Int32Array.from({ length: 1000 }, (_, i) => i);
  const shuffled = randomStream(1, 'order').shuffle(items);
  expect(shuffled).toBe(items);
  expect([...items].every((item, i) => item === i)).toBe(false);
  expect([...items].sort((a, b) => a - b)).toEqual(draw(1000, () => 0).map((_, i) => i));

  const orders = new Map<string, number>();
  const stream = randomStream(2, 'order');
  for (let i = 0; i < 6000; i++) {
    const order = stream.shuffle(['a', 'b', 'c']).join('');
    orders.set(order, (orders.get(order) ?? 0) + 1);
  }
  expect(orders.size).toBe(6);
  for (const count of orders.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
});

test('shuffles lists of no and one element', () => {
  expect(randomStream(1).shuffle([])).toEqual([]);
  expect(randomStream(1).shuffle([7])).toEqual([7]);
});
