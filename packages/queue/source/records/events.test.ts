import { type JobEvent, jobEventSchema } from '@distillery/spec';
import { expect, test } from 'vitest';
import type { Attempt } from '../index.ts';
import { graph, job, privateQueue, progress } from '../testing/queue.ts';

const held = privateQueue();

async function created(): Promise<string> {
  return (await held.queue.jobs.create(job({ stages: graph(['a']) }))).view.id;
}

async function begin(id: string, stage: string): Promise<Attempt> {
  const begun = await held.queue.attempts.begin(id, stage, 'w');
  if ('skip' in begun) throw new Error(begun.skip);
  return begun;
}

const row = (step: number) => ({ epoch: 1, step, time: '2026-01-01T00:00:00.000Z', values: { loss: 1 } });
const line = (message: string) => ({ source: 'trainer', level: 'warn', message }) as const;

/** One word or two for each event, as in `stage teacher running`. */
const inWords = (events: JobEvent[]) =>
  events.map((event) => {
    const stage = 'stage' in event ? [event.stage] : [];
    return [event.type, ...stage, ...('state' in event ? [event.state] : [])].join(' ');
  });

test('everything that happens to a job is an event of the schema, in order', async () => {
  const { attempts, events, metrics } = held.queue;
  const id = await created();
  const teacher = await begin(id, 'teacher');
  await attempts.log(teacher, [line('loading'), line('dk_0123456789ab_' + 's'.repeat(43))]);
  await attempts.skipped(teacher, { digest: 'd', count: 3, samples: [{ name: 'a.png', reason: 'empty' }] });
  await attempts.progress(teacher, { ...progress, loss: Number.NaN });
  await attempts.metrics(teacher, [row(1), row(2)]);
  await attempts.warning(teacher, 'two\nlines');
  await attempts.checkpoint(teacher, { step: 2, bytes: 100 });
  await attempts.fail(teacher, { code: 'stalled', message: 'x' }, 2);
  await attempts.succeed(await begin(id, 'teacher'), 1);
  for (const stage of ['outputs', 'student.a.42', 'report'])
    await attempts.succeed(await begin(id, stage), 1);

  const found = await events.read(id);
  for (const event of found) expect(jobEventSchema.parse(event)).toEqual(event);
  expect(inWords(found)).toEqual([
    'job queued',
    'job running',
    'stage teacher running',
    'log teacher',
    'log teacher',
    'skipped teacher',
    'progress teacher',
    'metrics teacher',
    'warning teacher',
    'checkpoint teacher',
    'stage teacher queued',
    'stage teacher running',
    'stage teacher succeeded',
    'stage outputs queued',
    'stage outputs running',
    'stage outputs succeeded',
    'stage student.a.42 queued',
    'stage student.a.42 running',
    'stage student.a.42 succeeded',
    'stage report queued',
    'stage report running',
    'stage report succeeded',
    'report report',
    'job succeeded',
  ]);
  const at = { stage: 'teacher', attempt: 1 };
  expect(found.slice(2, 11)).toMatchObject([
    { ...at, worker: 'w', reason: null },
    { ...at, source: 'trainer', level: 'warn', message: 'loading' },
    { ...at, message: 'dk_0123456789ab_[redacted]' },
    { ...at, digest: 'd', count: 3, samples: [{ name: 'a.png', reason: 'empty' }] },
    { ...at, progress: { ...progress, loss: null } },
    { ...at, rows: 2, last: (await metrics.read(id)).after },
    { ...at, message: 'two\nlines', count: 1 },
    { ...at, step: 2, bytes: 100 },
    { ...at, reason: { code: 'stalled', message: 'x', stage: 'teacher' } },
  ]);
  // A reader goes on behind the last event that it has, whether that event is still there or not.
  expect(await events.read(id, found[5]?.id)).toEqual(found.slice(6));
  expect(await events.read(id, found[5]?.id, 2)).toEqual(found.slice(6, 8));
  expect(await events.read(id, found.at(-1)?.id)).toEqual([]);
});

test('a failed job has its reason in its last event', async () => {
  const id = await created();
  await held.queue.attempts.fail(await begin(id, 'teacher'), { code: 'nan', message: 'diverged' });
  const found = await held.queue.events.read(id);
  for (const event of found) jobEventSchema.parse(event);
  expect(found.at(-1)).toMatchObject({
    type: 'job',
    state: 'failed',
    reason: { code: 'nan', message: 'diverged', stage: 'teacher' },
  });
});

test('progress, metrics, checkpoints and equal warnings take the place of the ones before', async () => {
  const { attempts, events } = held.queue;
  const id = await created();
  const first = await begin(id, 'teacher');
  const report = async (attempt: Attempt, step: number) => {
    await attempts.progress(attempt, { ...progress, step });
    await attempts.metrics(attempt, [row(step)]);
    await attempts.checkpoint(attempt, { step, bytes: 1 });
    await attempts.warning(attempt, 'again');
    await attempts.warning(attempt, `once at ${step}`);
  };
  for (const step of [1, 2, 3]) await report(first, step);
  const seen = await events.read(id);
  const second = await begin(id, 'teacher');
  await report(second, 4);

  const newest = (await events.read(id)).filter(({ type }) => type !== 'job' && type !== 'stage');
  const place = { id: expect.any(String), job: id, time: expect.any(String) };
  const expected = [
    ...[1, 2, 3].map((step) => ({
      type: 'warning',
      stage: 'teacher',
      attempt: 1,
      message: `once at ${step}`,
      count: 1,
    })),
    { type: 'progress', stage: 'teacher', attempt: 2, progress: { ...progress, step: 4 } },
    { type: 'metrics', stage: 'teacher', attempt: 2, rows: 4, last: expect.stringMatching(/^\d+-\d+$/) },
    { type: 'checkpoint', stage: 'teacher', attempt: 2, step: 4, bytes: 1 },
    { type: 'warning', stage: 'teacher', attempt: 2, message: 'again', count: 4 },
    { type: 'warning', stage: 'teacher', attempt: 2, message: 'once at 4', count: 1 },
  ];
  expect(newest).toEqual(expected.map((event) => ({ ...place, ...event })));
  // One that had read the events before misses nothing of the newest state.
  expect(inWords(await events.read(id, seen.at(-1)?.id))).toEqual([
    'stage teacher running',
    ...['progress', 'metrics', 'checkpoint', 'warning', 'warning'].map((type) => `${type} teacher`),
  ]);
});

test('the log keeps about the last 20 000 events', async () => {
  const { attempts, events } = held.queue;
  const id = await created();
  const attempt = await begin(id, 'teacher');
  for (let i = 0; i < 25; i++) {
    await attempts.log(
      attempt,
      Array.from({ length: 1000 }, (_, j) => line(`${i * 1000 + j}`)),
    );
  }
  const found = await events.read(id, undefined, 50_000);
  expect(found.length).toBeGreaterThanOrEqual(20_000);
  expect(found.length).toBeLessThan(20_500);
  expect(found.at(-1)).toMatchObject({ type: 'log', message: '24999' });
});
