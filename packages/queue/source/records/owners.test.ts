import { expect, test } from 'vitest';
import { isTerminal } from '@distillery/spec';
import { graph, job, privateQueue } from '../testing/queue.ts';

const held = privateQueue();

const mine = (name: string, jobs: number) => job({ stages: graph(['a']), owner: { name, jobs } });
const refused = (count: number, most: number) =>
  expect.objectContaining({
    code: 'quota_exceeded',
    message: expect.stringContaining(`has ${count} unfinished jobs and may have ${most}`),
  });

test('of twenty jobs at once only as many as an owner may have are taken', async () => {
  const { jobs, control } = held.queue;
  const answers = await Promise.allSettled(Array.from({ length: 20 }, () => jobs.create(mine('ci', 3))));
  const taken = answers.flatMap((one) => (one.status === 'fulfilled' ? [one.value.view] : []));
  expect(taken).toHaveLength(3);
  expect(new Set(taken.map(({ owner }) => owner))).toEqual(new Set(['ci']));
  for (const answer of answers)
    if (answer.status === 'rejected') expect(answer.reason).toEqual(refused(3, 3));
  // Jobs of other owners do not count, even of owners with a similar name, nor do jobs without an owner.
  for (const other of [mine('ci2', 1), mine('c', 1), mine('ci-', 1), job()]) await jobs.create(other);

  // What was paused is on its way; what has ended makes room, and takes it again when it is retried.
  await control.pause(taken[0].id);
  await expect(jobs.create(mine('ci', 3))).rejects.toEqual(refused(3, 3));
  await control.cancel(taken[1].id);
  const last = await jobs.create(mine('ci', 3));
  await expect(control.retry(taken[1].id, { name: 'ci', jobs: 3 })).rejects.toEqual(refused(3, 3));
  expect((await jobs.get(taken[1].id)).view.state).toBe('cancelled');
  // An admin who retries the job of another owner does not use up the admin's own limit.
  await control.cancel(last.view.id);
  await control.retry(taken[1].id, { name: 'root', jobs: 1 });
  await expect(jobs.create(mine('ci', 3))).rejects.toEqual(refused(3, 3));
});

test('an idempotency key is its owner’s, and a replay is no new job', async () => {
  const { jobs } = held.queue;
  const key = { key: 'same', digest: 'd' };
  const first = await jobs.create(mine('anna', 1), key);
  expect(await jobs.create(mine('anna', 1), key)).toEqual({ ...first, replayed: true });
  expect(await jobs.replay(key, 'anna')).toEqual({ view: first.view, version: 1 });
  expect(await jobs.replay(key, 'bert')).toBeUndefined();
  expect(await jobs.replay(key)).toBeUndefined();
  const second = await jobs.create(mine('bert', 1), { ...key, digest: 'other' });
  expect(second).toMatchObject({ replayed: false, view: { owner: 'bert' } });
  // A refused job leaves its key free.
  const later = { key: 'later', digest: 'd' };
  await expect(jobs.create(mine('anna', 1), later)).rejects.toEqual(refused(1, 1));
  await held.queue.control.cancel(first.view.id);
  expect(await jobs.create(mine('anna', 1), later)).toMatchObject({ replayed: false });
});

test('the count stays that of the jobs that have not ended, whatever is done to them', async () => {
  const { jobs, control, attempts } = held.queue;
  const ids: string[] = [];
  /** The next of a fixed row of whole numbers below `end`. */
  let state = 20_261_125;
  const pick = (end: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * end);
  };
  const run = async (id: string) => {
    const { stages } = (await jobs.get(id)).view;
    const next = stages.find((one) => one.state === 'queued');
    const begun = next && (await attempts.begin(id, next.id, 'w'));
    if (begun === undefined || 'skip' in begun) return;
    if (pick(5) > 0) await attempts.succeed(begun, {});
    else await attempts.fail(begun, { code: 'nan', message: 'x' });
  };
  const deeds = [
    async () => ids.push((await jobs.create(mine('walker', 1000))).view.id),
    run,
    run,
    run,
    control.cancel,
    control.pause,
    control.resume,
    (id: string) => control.retry(id, { name: 'walker', jobs: 1000 }),
    control.remove,
  ];
  await deeds[0]('');
  for (let i = 0; i < 300; i++) {
    await Promise.allSettled([deeds[pick(deeds.length)](ids[pick(ids.length)])]);
  }
  const { jobs: all } = await jobs.list({ owner: 'walker', limit: 100 });
  const live = all.filter((one) => !isTerminal(one.state)).length;
  expect(live).toBeGreaterThan(2);
  expect(all.length).toBeGreaterThan(live);
  expect(all.length).toBeLessThan(ids.length);
  await expect(jobs.create(mine('walker', live))).rejects.toEqual(refused(live, live));
  await jobs.create(mine('walker', live + 1));
});
