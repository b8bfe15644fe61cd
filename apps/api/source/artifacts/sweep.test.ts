import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { teacherResult, trainedNetwork } from '@distillery/training/testing';
import { expect, test } from 'vitest';
import { finish, privateApi, problem, submitted } from '../testing/api.ts';
import { sweepStore } from './sweep.ts';

const held = privateApi();

test('a sweep removes orphaned files and nothing else', async () => {
  const { queue, store } = held;
  const put = () => store.put(randomBytes(100));
  // A blob can be named by a shared manifest, a job's result or a job's checkpoint.
  const [shared, own, checkpoint] = [await put(), await put(), await put()];
  const named = (weights: { digest: string; size: number }) =>
    trainedNetwork({ best: { epoch: 1, weights } });
  await store.commit('teachers/kept', named(shared));
  const { id } = await submitted(held);
  await finish(held, id, 'teacher', teacherResult(named(own), 'teachers/kept'));
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

  const found = { blobs: 2, bytes: 200, checkpoints: 1, shared: 0 };
  expect(await sweepStore(queue, store, { before, remove: false })).toEqual(found);
  expect(await there()).toEqual([true, true, true, true, true, true]);
  expect(await sweepStore(queue, store, { before, remove: true })).toEqual(found);
  expect(await there()).toEqual([true, true, true, false, false, true]);
  expect(await store.list('jobs')).toEqual([`jobs/${id}/student.soft.42/checkpoints/1`]);
  expect(await sweepStore(queue, store, { before, remove: true })).toEqual({
    blobs: 0,
    bytes: 0,
    checkpoints: 0,
    shared: 0,
  });

  // Over HTTP the minimum age is one hour.
  const sweep = (query: string) => held.request(`/v1/store/sweep?${query}`, { method: 'POST' });
  const nothing = { removed: true, blobs: 0, bytes: 0, checkpoints: 0, shared: 0 };
  expect(await (await sweep('remove=true&olderThanSeconds=3600')).json()).toEqual(nothing);
  expect((await problem(await sweep('olderThanSeconds=60'))).code).toBe('malformed_request');
  expect(await there()).toEqual([true, true, true, false, false, true]);
});

test('a sweep removes shared results that no job names', async () => {
  const { queue, store } = held;
  const weights = await store.put(randomBytes(100));
  await store.commit('teachers/left', trainedNetwork({ best: { epoch: 1, weights } }));
  await delay(20);
  const before = new Date((await store.now()).getTime() + 60_000);
  expect(await sweepStore(queue, store, { before, remove: true })).toMatchObject({ shared: 1 });
  expect(await store.list('teachers')).toEqual(['teachers/kept']);
  expect(await store.stat(weights.digest)).toBeUndefined();
});

test('a sweep refuses to remove most of a store, unless it is forced', async () => {
  const { queue, store } = held;
  const blobs = await Promise.all(Array.from({ length: 30 }, () => store.put(randomBytes(10))));
  await delay(20);
  const before = new Date((await store.now()).getTime() + 60_000);
  await expect(sweepStore(queue, store, { before, remove: true })).rejects.toMatchObject({
    code: 'state_conflict',
    message: expect.stringMatching(/^3\d of the 3\d files .* jobs are missing from Redis/),
  });
  expect(await store.stat(blobs[0].digest)).toBeDefined();
  expect((await sweepStore(queue, store, { before, remove: false })).blobs).toBeGreaterThanOrEqual(30);
  await sweepStore(queue, store, { before, remove: true, force: true });
  expect(await store.stat(blobs[0].digest)).toBeUndefined();
});

test('a sweep refuses a store that another Redis knows, until it is forced and adopts the store', async () => {
  const { queue, store } = held;
  await store.commit('service/lost', { since: '2026-01-01T00:00:00.000Z' });
  const orphan = await store.put(randomBytes(10));
  await delay(20);
  const before = new Date((await store.now()).getTime() + 60_000);
  const response = await held.request('/v1/store/sweep?remove=true', { method: 'POST' });
  expect(await problem(response)).toMatchObject({
    code: 'state_conflict',
    detail: expect.stringContaining('Redis has lost its data'),
  });
  expect((await sweepStore(queue, store, { before, remove: false })).blobs).toBe(1);
  const forced = await held.request('/v1/store/sweep?remove=true&force=true', { method: 'POST' });
  expect(forced.status).toBe(200);
  // Over HTTP only files of an hour ago were removed; from now on the store is this service's.
  expect(await sweepStore(queue, store, { before, remove: true })).toMatchObject({ blobs: 1 });
  expect(await store.stat(orphan.digest)).toBeUndefined();
});
