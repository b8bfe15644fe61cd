import { expect, test } from 'vitest';
import { jobSpec } from '../kinds.ts';
import { beyond, beyondAtOnce, defaultBounds } from './bounds.ts';

const lightnn = { type: 'lightnn' };
const students = (count: number, terms = 1) =>
  Array.from({ length: count }, (_, index) => ({
    name: `s${index}`,
    architecture: lightnn,
    method: Array.from({ length: terms }, () => ({ type: 'soft_target' })),
  }));
const specOf = (over: object) =>
  jobSpec.parse({ dataset: { source: 'shapes' }, teacher: { architecture: lightnn }, ...over });

const bounds = { stages: 6, peerTerms: 1, parameters: 100, memoryBytes: 1e9, outputsBytes: 2e9, work: 3e9 };
const within = {
  spec: specOf({ students: students(1), seeds: [1, 2] }),
  stages: 6,
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
  const demand = {
    ...within,
    stages: 7,
    networks,
    memoryBytes: 1.5e9,
    outputsBytes: Number.NaN,
    work: Number.POSITIVE_INFINITY,
  };
  expect(beyond(demand, bounds).map(({ path, value, allowed }) => [path, value, allowed])).toEqual([
    ['/seeds', 7, { maximum: 6 }],
    ['/students/1/architecture', 101, { maximum: 100 }],
    ['/training/batchSize', 1.5e9, { maximum: 1e9 }],
    ['/students', Number.NaN, { maximum: 2e9 }],
    ['/training/epochs', Number.POSITIVE_INFINITY, { maximum: 3e9 }],
  ]);
  const [{ message }] = beyond({ ...within, memoryBytes: 1.5e9 }, bounds);
  expect(message).toBe('the largest trainer would need 1.5e9 bytes of memory, more than the limit of 1.0e9');
});

test('stages are counted before anything is planned, and the largest factor is named', () => {
  const seeds = Array.from({ length: 32 }, (_, seed) => seed);
  const spec = { procedure: 'born_again', generations: 16, students: students(64), seeds };
  const refused = (over: object) => beyondAtOnce(specOf({ ...spec, ...over }), defaultBounds);
  // Every generation but the last teaches: 64 × 16 runs, 64 × 15 outputs and a control for each seed.
  const stages = (64 * 16 + 64 * 15 + 1) * 32 + 3;
  expect(refused({})).toEqual([
    {
      path: '/students',
      message: `the job would have ${stages} stages (64 students × 16 generations × 32 seeds), more than the limit of 2500`,
      value: stages,
      allowed: { maximum: 2500 },
    },
  ]);
  expect(refused({ students: students(12), seeds: seeds.slice(0, 14) })).toMatchObject([
    { path: '/generations' },
  ]);
  expect(refused({ students: students(10) })).toMatchObject([{ path: '/seeds' }]);
  expect(refused({ students: students(1) })).toEqual([]);
});

test('the outputs of teachers that run in the training loop are no stages', () => {
  const seeds = Array.from({ length: 32 }, (_, seed) => seed);
  const training = { augmentation: { type: 'flip', views: 'fresh' } };
  const spec = { procedure: 'born_again', generations: 3, students: students(64), seeds, training };
  // The students and a control for each seed, the teacher and the report.
  expect(beyondAtOnce(specOf(spec), defaultBounds)).toMatchObject([{ value: (64 * 3 + 1) * 32 + 2 }]);
  // A teacher that is trained on other data is scored by a stage.
  const teacher = { architecture: lightnn, dataset: { source: 'shapes', seed: 1 } };
  expect(beyondAtOnce(specOf({ ...spec, teacher }), defaultBounds)).toMatchObject([
    { value: (64 * 3 + 1) * 32 + 3 },
  ]);
});

test('64 students with 32 seeds are within the bound', () => {
  const seeds = Array.from({ length: 32 }, (_, seed) => seed);
  expect(beyondAtOnce(specOf({ students: students(64), seeds }), defaultBounds)).toEqual([]);
});

test('terms between peers are counted before anything is planned', () => {
  const mutual = { procedure: 'mutual', teacher: undefined };
  expect(beyondAtOnce(specOf({ ...mutual, students: students(64, 2) }), defaultBounds)).toEqual([]);
  expect(beyondAtOnce(specOf({ ...mutual, students: students(64, 3) }), defaultBounds)).toMatchObject([
    { path: '/students', value: 64 * 3 * 63, allowed: { maximum: 10_000 } },
  ]);
});
