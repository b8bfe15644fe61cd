import { expect, test } from 'vitest';
import { balancedOrder, balancedWeights } from './class-balance.ts';

/** 90 samples of class 0, 8 of class 1 and 2 of class 3; class 2 has none. */
const labels = Int32Array.from({ length: 100 }, (_, at) => (at % 50 === 49 ? 3 : at % 12 === 11 ? 1 : 0));
const every = Int32Array.from(labels.keys());
const countIn = (order: Int32Array, label: number) => order.filter((at) => labels[at] === label).length;

test('an epoch has as many samples of each class, and as many in all as there are', () => {
  const order = balancedOrder(every, labels, 5, 0);
  expect(order).toHaveLength(100);
  const shares = [0, 1, 3].map((label) => countIn(order, label));
  expect([...shares].sort((a, b) => a - b)).toEqual([33, 33, 34]);
  // A large class repeats nothing, a small one begins anew when all its samples have had their turn.
  const large = order.filter((at) => labels[at] === 0);
  expect(new Set(large).size).toBe(large.length);
  const times = new Map<number, number>();
  for (const at of order.filter((one) => labels[one] === 1)) times.set(at, (times.get(at) ?? 0) + 1);
  expect(times.size).toBe(countIn(every, 1));
  expect(Math.max(...times.values()) - Math.min(...times.values())).toBeLessThanOrEqual(1);
});

test('the order depends on the seed and the epoch alone', () => {
  const order = (seed: number, epoch: number) => [...balancedOrder(every, labels, seed, epoch)];
  expect(order(5, 3)).toEqual(order(5, 3));
  expect(order(5, 4)).not.toEqual(order(5, 3));
  expect(order(6, 3)).not.toEqual(order(5, 3));
  // The rest of the division goes to other classes in each epoch.
  const largest = [0, 1, 2].map((epoch) =>
    [0, 1, 3].findIndex((label) => countIn(balancedOrder(every, labels, 5, epoch), label) === 34),
  );
  expect(new Set(largest).size).toBe(3);
});

test('only the given samples are used', () => {
  const some = every.filter((at) => at % 2 === 1);
  const order = balancedOrder(some, labels, 1, 0);
  expect(order.every((at) => at % 2 === 1)).toBe(true);
  expect(order).toHaveLength(some.length);
});

test('weights are in inverse proportion to the sizes of the classes, in mean 1', () => {
  const weights = balancedWeights(every, labels, 4);
  const counts = [0, 1, 2, 3].map((label) => countIn(every, label));
  expect(weights[2]).toBe(0);
  for (const label of [0, 1, 3]) expect(weights[label] * counts[label]).toBeCloseTo(100 / 3, 4);
});
