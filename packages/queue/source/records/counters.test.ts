import { expect, test } from 'vitest';
import { openQueue } from '../index.ts';
import { graph, job, privateQueue, progress } from '../testing/queue.ts';

const held = privateQueue();
const reason = { code: 'trainer_crashed', message: 'it ended' };

async function begin(id: string, stage: string) {
  const begun = await held.queue.attempts.begin(id, stage, 'w');
  if ('skip' in begun) throw new Error(begun.skip);
  return begun;
}

test('what happens to stages is counted once, whoever asks and however often', async () => {
  const { attempts, jobs, control } = held.queue;
  const { id } = (await jobs.create(job({ stages: graph(['a']), request: 'r-1' }))).view;
  const first = await begin(id, 'teacher');
  expect(first.request).toBe('r-1');
  await attempts.progress(first, { ...progress, phase: 'loading', step: 0, fraction: 0 });
  await attempts.progress(first, { ...progress, phase: 'training', step: 10, fraction: 0.1 });
  // The same ticket again: its worker was lost.
  const second = await begin(id, 'teacher');
  await attempts.progress(second, { ...progress, phase: 'loading', step: 0, fraction: 0 });
  await attempts.progress(second, { ...progress, phase: 'training', step: 8, fraction: 0.08 });
  await attempts.progress(second, { ...progress, phase: 'training', step: 20, fraction: 0.2 });
  await attempts.fail(second, reason, 5);
  const third = await begin(id, 'teacher');
  await attempts.handBack(third);
  const fourth = await begin(id, 'teacher');
  for (let sent = 0; sent < 2; sent++) await attempts.succeed(fourth, { result: { reused: true } });
  const outputs = await begin(id, 'outputs');
  await attempts.succeed(outputs, { reused: false });
  const student = await begin(id, 'student.a.42');
  await attempts.fail(student, { code: 'nan', message: 'a loss' }, 1);
  await control.retry(id);
  await control.cancel(id);

  // Another process reads the same.
  const other = await openQueue({ url: held.redis.url });
  const counters = await other.counters();
  await other.close();
  const sorted = <T extends object>(rows: readonly T[]) =>
    rows.map((row) => Object.values(row).join(' ')).sort();
  expect(sorted(counters.attempts)).toEqual([
    'outputs first 1',
    'student first 1',
    'teacher first 1',
    'teacher resumed 3',
  ]);
  expect(
    counters.durations.map(({ kind, outcome, atMost }) => `${kind} ${outcome} ${atMost.at(-1)}`).sort(),
  ).toEqual([
    'outputs succeeded 1',
    'student failed 1',
    'teacher lost 1',
    'teacher retried 1',
    'teacher stopped 1',
    'teacher succeeded 1',
  ]);
  for (const { sum, atMost } of counters.durations) {
    expect(sum).toBeGreaterThanOrEqual(0);
    expect(atMost).toEqual(atMost.toSorted((a, b) => a - b));
  }
  expect(sorted(counters.failures)).toEqual(['nan 1', 'trainer_crashed 1']);
  expect(sorted(counters.results)).toEqual(['outputs computed 1', 'teacher reused 1']);
  // 10 of the first attempt and 12 of the second, which resumed at step 8.
  expect(sorted(counters.steps)).toEqual(['teacher 22']);
  expect(sorted(counters.jobs)).toEqual(['cancelled 1', 'failed 1']);
});

test('stages that run when their job fails are counted as cancelled', async () => {
  const { attempts, jobs } = held.queue;
  const stages = [
    { ...graph()[0], id: 'one', kind: 'twin' },
    { ...graph()[0], id: 'two', kind: 'twin' },
  ];
  const { id } = (await jobs.create(job({ stages }))).view;
  const [one] = [await begin(id, 'one'), await begin(id, 'two')];
  await attempts.fail(one, reason, 1);
  const { durations } = await held.queue.counters();
  const twins = durations.filter(({ kind }) => kind === 'twin').map(({ outcome }) => outcome);
  expect(twins.sort()).toEqual(['cancelled', 'failed']);
});
