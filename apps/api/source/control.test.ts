import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { outputsResult, studentResult, teacherResult, trainedNetwork } from '@distillery/training/testing';
import { sweepStore } from './artifacts.ts';
import { finish, privateApi, problem, submitted } from './testing/api.ts';

const held = privateApi();

const order = (id: string, what: string) => held.request(`/v1/jobs/${id}/${what}`, { method: 'POST' });
const remove = (id: string) => held.request(`/v1/jobs/${id}`, { method: 'DELETE' });
const stateOf = async (response: Response) => ((await response.json()) as { state: string }).state;

test('a job is paused, resumed, cancelled and retried; each request can be repeated', async () => {
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

test('a control needs no body, and a JSON content type without one changes nothing', async () => {
  const { id } = await submitted(held);
  const headers = { 'content-type': 'application/json' };
  const response = await held.request(`/v1/jobs/${id}/cancel`, { method: 'POST', headers });
  expect([response.status, await stateOf(response)]).toEqual([200, 'cancelled']);
});

test('a condition that is not evaluated refuses the request', async () => {
  const { id } = await submitted(held);
  const tag = (await held.request(`/v1/jobs/${id}`)).headers.get('etag') as string;
  for (const [path, method] of [
    ['/cancel', 'POST'],
    ['', 'DELETE'],
  ]) {
    const response = await held.request(`/v1/jobs/${id}${path}`, { method, headers: { 'if-match': tag } });
    expect([response.status, (await problem(response)).code]).toEqual([412, 'precondition_failed']);
  }
  expect((await held.queue.jobs.get(id)).view.state).toBe('queued');
  await order(id, 'cancel');
});

test('an action that the state does not allow is a conflict that names the state', async () => {
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

test('deleting a job removes what no other job shares, once no job is unfinished', async () => {
  const { queue, store } = held;
  for (const { id } of (await queue.jobs.list({ limit: 100 })).jobs) await queue.control.cancel(id);
  const shared = await store.put(randomBytes(100));
  const rows = await store.put(randomBytes(200));
  const named = (weights: { digest: string; size: number }) =>
    trainedNetwork({ best: { epoch: 1, weights } });
  await store.commit('teachers/t', named(shared));
  await store.commit('outputs/o/logits/0', rows);
  const jobs: { id: string; own: { digest: string } }[] = [];
  for (let i = 0; i < 2; i++) {
    const { id } = await submitted(held, { baseline: false, seeds: [42] });
    const own = await store.put(randomBytes(300));
    const checkpoint = await store.put(randomBytes(400));
    await store.commit(`jobs/${id}/student.soft.42/checkpoints/1`, { blob: checkpoint.digest });
    await finish(held, id, 'teacher', teacherResult(named(shared)));
    await finish(held, id, 'outputs', outputsResult('outputs/o'));
    await finish(held, id, 'student.soft.42', studentResult(named(own)));
    await finish(held, id, 'report', { report: {} });
    jobs.push({ id, own });
  }
  const there = async (digest: string) => (await store.stat(digest)) !== undefined;
  const [first, second] = jobs;
  const live = await submitted(held);
  expect((await remove(first.id)).status).toBe(204);
  expect(await store.list(`jobs/${first.id}`)).toEqual([]);
  // A waiting job could begin to use the same teacher at any moment.
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

test('a sweep removes orphaned files and nothing else', async () => {
  const { queue, store } = held;
  const put = () => store.put(randomBytes(100));
  // A blob can be named by a shared manifest, a job's result or a job's checkpoint.
  const [shared, own, checkpoint] = [await put(), await put(), await put()];
  const named = (weights: { digest: string; size: number }) =>
    trainedNetwork({ best: { epoch: 1, weights } });
  await store.commit('teachers/kept', named(shared));
  const { id } = await submitted(held);
  await finish(held, id, 'teacher', teacherResult(named(own)));
  await store.commit(`jobs/${id}/student.soft.42/checkpoints/1`, { blob: checkpoint.digest });
  // Orphans: of killed writers, and of a deletion that was interrupted.
  const [unnamed, forgotten] = [await put(), await put()];
  await store.commit('jobs/job_00000000000000000000000000/teacher/checkpoints/1', { blob: forgotten.digest });
  await delay(20);
  const before = new Date();
  await delay(20);
  const young = await put();
  const all = [shared, own, checkpoint, unnamed, forgotten, young];
  const there = () => Promise.all(all.map(async ({ digest }) => (await store.stat(digest)) !== undefined));

  const found = { blobs: 2, bytes: 200, checkpoints: 1 };
  expect(await sweepStore(queue, store, { before, remove: false })).toEqual(found);
  expect(await there()).toEqual([true, true, true, true, true, true]);
  expect(await sweepStore(queue, store, { before, remove: true })).toEqual(found);
  expect(await there()).toEqual([true, true, true, false, false, true]);
  expect(await store.list('jobs')).toEqual([`jobs/${id}/student.soft.42/checkpoints/1`]);
  expect(await sweepStore(queue, store, { before, remove: true })).toEqual({
    blobs: 0,
    bytes: 0,
    checkpoints: 0,
  });

  // Over HTTP the minimum age is one hour.
  const sweep = (query: string) => held.request(`/v1/store/sweep?${query}`, { method: 'POST' });
  const nothing = { removed: true, blobs: 0, bytes: 0, checkpoints: 0 };
  expect(await (await sweep('remove=true&olderThanSeconds=3600')).json()).toEqual(nothing);
  expect((await problem(await sweep('olderThanSeconds=60'))).code).toBe('malformed_request');
  expect(await there()).toEqual([true, true, true, false, false, true]);
});
