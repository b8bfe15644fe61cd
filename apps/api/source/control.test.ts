import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { finish, privateApi, problem, submitted } from './private-api.ts';

const held = privateApi();

const order = (id: string, what: string) => held.request(`/v1/jobs/${id}/${what}`, { method: 'POST' });
const remove = (id: string) => held.request(`/v1/jobs/${id}`, { method: 'DELETE' });
const stateOf = async (response: Response) => ((await response.json()) as { state: string }).state;

test('a job is paused, resumed, cancelled and retried, each as often as one likes', async () => {
  const { id } = await submitted(held);
  const expected = [
    ['pause', 'paused'],
    ['resume', 'queued'],
    ['cancel', 'cancelled'],
    ['retry', 'queued'],
  ] as const;
  for (const [what, state] of expected) {
    for (let again = 0; again < 2; again++) {
      const response = await order(id, what);
      expect([what, response.status, await stateOf(response)]).toEqual([what, 200, state]);
    }
  }
});

test('what the state forbids is a conflict that names it', async () => {
  const { id } = await submitted(held);
  await order(id, 'cancel');
  for (const what of ['pause', 'resume']) {
    const response = await order(id, what);
    expect([response.status, await problem(response)]).toEqual([
      409,
      expect.objectContaining({ code: 'state_conflict', detail: expect.stringContaining('is cancelled') }),
    ]);
  }
  const live = await submitted(held);
  expect((await problem(await remove(live.id))).code).toBe('state_conflict');
  await order(live.id, 'cancel');
  expect((await problem(await order('job_x', 'cancel'))).code).toBe('job_not_found');
  expect((await problem(await remove('job_x'))).code).toBe('job_not_found');
});

test('a deleted job takes along what no other job shares, once none is on its way', async () => {
  const { queue, store } = held;
  for (const { id } of (await queue.jobs.list({ limit: 100 })).jobs) await queue.control.cancel(id);
  const shared = await store.put(randomBytes(100));
  const rows = await store.put(randomBytes(200));
  await store.commit('teachers/t', { best: shared });
  await store.commit('outputs/o/logits/0', rows);
  const jobs: { id: string; own: { digest: string } }[] = [];
  for (let i = 0; i < 2; i++) {
    const { id } = await submitted(held, { baseline: false, seeds: [42] });
    const own = await store.put(randomBytes(300));
    const checkpoint = await store.put(randomBytes(400));
    await store.commit(`jobs/${id}/student.soft.42/checkpoints/1`, { blob: checkpoint.digest });
    await finish(held, id, 'teacher', { address: 'teachers/t', result: { best: { weights: shared } } });
    await finish(held, id, 'outputs', { sets: [{ address: 'outputs/o' }] });
    await finish(held, id, 'student.soft.42', { result: { best: { weights: own } } });
    await finish(held, id, 'report', {});
    jobs.push({ id, own });
  }
  const there = async (digest: string) => (await store.stat(digest)) !== undefined;
  const [first, second] = jobs;
  const live = await submitted(held);
  expect((await remove(first.id)).status).toBe(204);
  expect(await store.list(`jobs/${first.id}`)).toEqual([]);
  // A job that waits could be given the same teacher at any moment.
  expect(await there(first.own.digest)).toBe(true);
  await order(live.id, 'cancel');
  expect((await remove(live.id)).status).toBe(204);
  expect(await there(first.own.digest)).toBe(false);
  const left = async () => await Promise.all([second.own, shared, rows].map(({ digest }) => there(digest)));
  expect(await left()).toEqual([true, true, true]);
  expect((await remove(second.id)).status).toBe(204);
  expect(await left()).toEqual([false, false, false]);
  const names = await Promise.all(['teachers', 'outputs', 'jobs'].map((folder) => store.list(folder)));
  expect(names.flat()).toEqual([]);
  expect((await problem(await remove(second.id))).code).toBe('job_not_found');
});
