import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { privateQueue } from '@distillery/queue/testing';
import type { DistilleryError, JobView, Plan } from '@distillery/spec';
import { jobSpec, planJob } from '@distillery/training';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSubmissions, type Submissions } from './submissions.ts';

const held = privateQueue();
let folder: string;
let submissions: Submissions;
const start = (bounds = { atOnce: 2, waiting: 100 }) =>
  startSubmissions({
    redisUrl: held.redis.url,
    cacheDir: folder,
    roots: [folder],
    fetchNetworks: [],
    diskBytes: 2 ** 30,
    store: join(folder, 'store'),
    bounds,
    warn: (message) => expect.unreachable(message),
  });
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-submissions-'));
  submissions = start();
});
afterAll(async () => {
  await submissions.close();
  await rm(folder, { recursive: true, force: true });
});

const lightnn = { type: 'lightnn' };
const spec = {
  dataset: { source: 'shapes', trainCount: 100, testCount: 50 },
  teacher: { architecture: lightnn },
  students: [{ name: 'small', architecture: lightnn, method: [{ type: 'soft_target' }] }],
};
const validate = (body: object, by = submissions) =>
  by.ask('validate', { text: JSON.stringify(body), caller: null });

test('the thread plans and creates jobs as this thread would', async () => {
  const text = JSON.stringify(spec);
  const parsed = jobSpec.parse(spec);
  const { plan, resolved } = await planJob(parsed, { cacheDir: folder, roots: [], running: 0 });
  expect(JSON.parse(await validate(spec))).toEqual(plan);
  const { id, view, replayed } = await submissions.ask('submit', {
    text,
    caller: null,
    request: 'r',
    reachable: true,
  });
  const [now, stored] = await Promise.all([held.queue.jobs.get(id), held.queue.jobs.plan(id)]);
  expect([JSON.parse(view) as JobView, replayed, stored]).toEqual([now.view, false, resolved]);
  expect(await held.queue.jobs.spec(id)).toEqual({ posted: spec, spec: parsed });
});

test('a refusal names its fields, as it does without a thread', async () => {
  await expect(validate({ ...spec, seeds: ['one'] })).rejects.toMatchObject({
    code: 'invalid_spec',
    message: expect.stringMatching(/^\/seeds\/0: /),
    fields: [{ path: '/seeds/0', value: 'one' }],
  });
  const classMap = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`c${index}`, 'x']));
  const unknown = validate({ ...spec, teacher: { ...spec.teacher, classMap } });
  const error: unknown = await unknown.catch((reason: unknown) => reason);
  expect((error as DistilleryError).fields).toHaveLength(100);
});

test('after the thread has ended, the requests that wait get another one', async () => {
  const own = start();
  try {
    // Two that the thread has been given when it ends, long before it has loaded its modules, and others behind them.
    const ended = Promise.allSettled(Array.from({ length: 6 }, () => validate(spec, own)));
    await own.close();
    const outcomes = await ended;
    expect(outcomes.slice(0, 2)).toMatchObject(
      Array(2).fill({ status: 'rejected', reason: { code: 'internal' } }),
    );
    expect(outcomes.slice(2).map(({ status }) => status)).toEqual(Array(4).fill('fulfilled'));
  } finally {
    await own.close();
  }
});

test('more requests than may wait are refused at once', async () => {
  const few = start({ atOnce: 1, waiting: 2 });
  try {
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => validate(spec, few)));
    expect(outcomes.map(({ status }) => status)).toEqual([
      ...Array(3).fill('fulfilled'),
      'rejected',
      'rejected',
    ]);
    expect(outcomes[4]).toMatchObject({ reason: { code: 'overloaded', status: 503, retryable: true } });
  } finally {
    await few.close();
  }
});

test('a data set is described once, until its file changes', async () => {
  const path = join(folder, 'texts.csv');
  const rows = (count: number) =>
    `text,label\n${Array.from({ length: count }, (_, index) => `a text,${index % 2 ? 'no' : 'yes'}\n`).join('')}`;
  const texts = {
    dataset: { source: 'text_csv', path },
    teacher: { architecture: { type: 'text_transformer' } },
    students: [{ ...spec.students[0], architecture: { type: 'text_transformer' } }],
  };
  const counts = async () => {
    const { dataset } = JSON.parse(await validate({ ...texts, validation: 0 })) as Plan;
    return dataset.train + dataset.test;
  };
  await writeFile(path, rows(100));
  expect(await counts()).toBe(100);
  await writeFile(path, rows(140));
  expect(await counts()).toBe(140);
});
