import { expect, test } from 'vitest';
import { openQueue } from '../index.ts';
import { engine, job, privateQueue, progress } from '../testing/queue.ts';

const held = privateQueue();

test('twenty creates with one key at once make one job, and all get the first answer', async () => {
  const { jobs } = held.queue;
  const key = { key: 'k1', digest: 'd1' };
  const answers = await Promise.all(Array.from({ length: 20 }, () => jobs.create(job(), key)));
  const [first] = answers;
  expect(new Set(answers.map(({ view }) => view.id)).size).toBe(1);
  expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);

  await held.queue.attempts.begin(first?.view.id, 'teacher', 'w');
  expect(await jobs.replay(key)).toEqual({ view: first?.view, version: 1 });
  expect(await jobs.replay({ key: 'k2', digest: 'd1' })).toBeUndefined();
  const other = { key: 'k1', digest: 'd2' };
  await expect(jobs.create(job(), other)).rejects.toMatchObject({ code: 'idempotency_conflict' });
  await expect(jobs.replay(other)).rejects.toMatchObject({ code: 'idempotency_conflict' });
  expect((await jobs.list({})).jobs).toHaveLength(1);
});

test('lists newest first, by state, labels and part of the name, page by page', async () => {
  const { jobs, attempts } = held.queue;
  const ids: string[] = [];
  for (let i = 0; i < 9; i++) {
    const labels = { team: i % 2 ? 'blue' : 'red', run: `${i % 3}` };
    ids.push((await jobs.create(job({ name: `Sweep ${i}`, labels }))).view.id);
  }
  const listed = async (query: Parameters<typeof jobs.list>[0]) =>
    (await jobs.list(query)).jobs.map(({ id }) => ids.indexOf(id)).filter((i) => i >= 0);

  expect(await listed({})).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0]);
  expect(await listed({ labels: { team: 'blue' } })).toEqual([7, 5, 3, 1]);
  expect(await listed({ labels: { team: 'blue', run: '1' } })).toEqual([7, 1]);
  expect(await listed({ labels: { team: 'green' } })).toEqual([]);
  expect(await listed({ name: 'sweep 4' })).toEqual([4]);
  await attempts.begin(ids[2], 'teacher', 'w');
  expect(await listed({ state: 'running' })).toEqual([2]);
  expect(await listed({ state: 'running', labels: { team: 'blue' } })).toEqual([]);
  expect(await listed({ state: 'queued', labels: { team: 'red' } })).toEqual([8, 6, 4, 0]);

  const first = await jobs.list({ name: 'Sweep', limit: 4 });
  expect(first.jobs.map(({ name }) => name)).toEqual(['Sweep 8', 'Sweep 7', 'Sweep 6', 'Sweep 5']);
  expect(first.next).toBe(ids[5]);
  const second = await jobs.list({ name: 'Sweep', limit: 5, after: first.next ?? '' });
  expect(second.jobs.map(({ name }) => name)).toEqual([
    'Sweep 4',
    'Sweep 3',
    'Sweep 2',
    'Sweep 1',
    'Sweep 0',
  ]);
  expect(second.next).toBeNull();
});

test('a spec comes back as posted and as parsed, a job in its own words', async () => {
  const { jobs } = held.queue;
  const posted = { list: [], text: 'ü "quoted"\n', number: 1e-7, big: 4294967295.25, __proto__x: null };
  const { view, version } = await jobs.create(job({ name: 'ü', labels: { 'a/b': 'x=y z' }, posted }));
  expect(version).toBe(1);
  expect(view.id).toMatch(/^job_[0-9a-z]{26}$/);
  expect(view).toMatchObject({ name: 'ü', labels: { 'a/b': 'x=y z' }, state: 'queued', startedAt: null });
  expect(view.stages.map(({ state }) => state)).toEqual(['queued', ...Array(4).fill('waiting')]);
  expect(await jobs.spec(view.id)).toEqual({ posted, spec: { teacher: 1 } });
  expect(await jobs.result(view.id, 'teacher')).toBeUndefined();
  for (const id of ['job_none', 'x', '*', 'job_00000000000000000000000000']) {
    await expect(jobs.get(id)).rejects.toMatchObject({ code: 'job_not_found' });
    await expect(jobs.spec(id)).rejects.toMatchObject({ code: 'job_not_found' });
  }
});

test('another prefix is another world', async () => {
  const other = await openQueue({ url: held.redis.url, prefix: '{other}' });
  try {
    expect((await other.jobs.list({})).jobs).toEqual([]);
    const { view } = await other.jobs.create(job());
    await expect(held.queue.jobs.get(view.id)).rejects.toMatchObject({ code: 'job_not_found' });
  } finally {
    await other.close();
  }
});

test('workers stand on the list while they live', async () => {
  const { workers } = held.queue;
  const info = { id: 'w1', host: 'here', version: '0.1.0', engine };
  const one = await workers.register(info);
  const two = await workers.register({ ...info, id: 'w0' });
  one.working({ jobId: 'job_x', stageId: 'teacher' });
  await two.stop();
  await expect
    .poll(() => workers.list())
    .toMatchObject([{ ...info, stage: { jobId: 'job_x', stageId: 'teacher' } }]);
  await one.stop();
  expect(await workers.list()).toEqual([]);
});

test('the idempotency key of a deleted job creates a job anew, also with another body', async () => {
  const { control, jobs } = held.queue;
  const key = { key: 'again', digest: 'one' };
  const first = await jobs.create(job(), key);
  expect(await jobs.create(job(), key)).toMatchObject({ replayed: true, view: { id: first.view.id } });
  await control.cancel(first.view.id);
  await control.remove(first.view.id);
  const other = { ...key, digest: 'two' };
  expect(await jobs.replay(other)).toBeUndefined();
  const second = await jobs.create(job(), other);
  expect(second.replayed).toBe(false);
  expect(second.view.id).not.toBe(first.view.id);
  expect(await jobs.replay(other)).toMatchObject({ view: { id: second.view.id } });
});

test('a list has summaries: stages are counted by state, and the rest is as in the view', async () => {
  const { attempts, jobs } = held.queue;
  const { view } = await jobs.create(job({ name: 'summary', labels: { a: 'b' }, priority: 3 }));
  const begun = await attempts.begin(view.id, 'teacher', 'w');
  if ('skip' in begun) throw new Error(begun.skip);
  await attempts.progress(begun, progress);
  await attempts.warning(begun, 'slow');
  const { jobs: found, next } = await jobs.list({ name: 'SUMMARY' });
  const { state, startedAt, ...rest } = (await jobs.get(view.id)).view;
  expect([found, next]).toEqual([
    [
      {
        id: view.id,
        name: 'summary',
        labels: { a: 'b' },
        owner: null,
        priority: 3,
        state,
        startedAt,
        finishedAt: null,
        createdAt: rest.createdAt,
        progress: rest.progress,
        reason: null,
        best: null,
        warnings: 1,
        stages: { waiting: 4, queued: 0, running: 1, succeeded: 0, failed: 0, cancelled: 0 },
      },
    ],
    null,
  ]);
  expect(rest.progress).toBe(30);
});
