import { expect, test } from 'vitest';
import { beyond } from './bounds.ts';

const bounds = { parameters: 100, memoryBytes: 1e9, outputsBytes: 2e9, work: 3e9 };
const within = {
  networks: [{ path: '/teacher/architecture', parameters: 100 }],
  memoryBytes: 1e9,
  outputsBytes: 0,
  work: 3e9,
};

test('a job within every bound is accepted', () => {
  expect(beyond(within, bounds)).toEqual([]);
});

test('each bound that is exceeded is reported with the value and the maximum', () => {
  const networks = [...within.networks, { path: '/students/1/architecture', parameters: 101 }];
  const demand = { networks, memoryBytes: 1.5e9, outputsBytes: Number.NaN, work: Number.POSITIVE_INFINITY };
  expect(beyond(demand, bounds).map(({ path, value, allowed }) => [path, value, allowed])).toEqual([
    ['/students/1/architecture', 101, { maximum: 100 }],
    ['/training/batchSize', 1.5e9, { maximum: 1e9 }],
    ['/students', Number.NaN, { maximum: 2e9 }],
    ['/training/epochs', Number.POSITIVE_INFINITY, { maximum: 3e9 }],
  ]);
  const [{ message }] = beyond({ ...within, memoryBytes: 1.5e9 }, bounds);
  expect(message).toBe('the largest trainer would need 1.5e9 bytes of memory, more than the limit of 1.0e9');
});
