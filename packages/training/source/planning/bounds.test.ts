import { expect, test } from 'vitest';
import { beyond } from './bounds.ts';

const bounds = { parameters: 100, memoryBytes: 1e9, outputsBytes: 2e9, work: 3e9 };
const within = {
  networks: [{ path: '/teacher/architecture', parameters: 100 }],
  memoryBytes: 1e9,
  outputsBytes: 0,
  work: 3e9,
};

test('what is within every bound is let through', () => {
  expect(beyond(within, bounds)).toEqual([]);
});

test('each bound that is passed is named with the value and the most that is allowed', () => {
  const networks = [...within.networks, { path: '/students/1/architecture', parameters: 101 }];
  const asked = { networks, memoryBytes: 1.5e9, outputsBytes: Number.NaN, work: Number.POSITIVE_INFINITY };
  expect(beyond(asked, bounds).map(({ path, value, allowed }) => [path, value, allowed])).toEqual([
    ['/students/1/architecture', 101, { maximum: 100 }],
    ['/training/batchSize', 1.5e9, { maximum: 1e9 }],
    ['/students', Number.NaN, { maximum: 2e9 }],
    ['/training/epochs', Number.POSITIVE_INFINITY, { maximum: 3e9 }],
  ]);
  const [{ message }] = beyond({ ...within, memoryBytes: 1.5e9 }, bounds);
  expect(message).toBe('its largest trainer would take bytes of memory: 1.5e9, more than 1.0e9');
});
