import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { BlobInfo } from '@distillery/store';
import { outputsResult, studentResult, teacherResult, trainedNetwork } from '@distillery/training/testing';
import { expect, test } from 'vitest';
import { finish, privateApi, problem, submitted } from '../testing/api.ts';
import { collectLeftovers } from './collect.ts';
import { beginHold } from './hold.ts';
import { newScrub, scrubStore } from './scrub.ts';

const held = privateApi({ collection: { everyMs: 3_600_000 } });
const hold = (method: string, query = '') => held.request(`/v1/store/hold${query}`, { method });
const put = () => held.store.put(randomBytes(100));
const isThere = async ({ digest }: BlobInfo) => (await held.store.stat(digest)) !== undefined;

test('a job that is deleted while the store is held keeps its files until the hold ends', async () => {
  const { queue, store } = held;
  const { id } = await submitted(held, { baseline: false, seeds: [42] });
  const [teacher, student, checkpoint] = [await put(), await put(), await put()];
  const named = (weights: BlobInfo) => trainedNetwork({ best: { epoch: 1, weights } });
  await store.commit(`jobs/${id}/student.soft.42/checkpoints/1`, { blob: checkpoint.digest });
  await finish(held, id, 'teacher', teacherResult(named(teacher)));
  await finish(held, id, 'outputs', outputsResult(`outputs/${id}`));
  await finish(held, id, 'student.soft.42', studentResult(named(student)));
  await queue.control.cancel(id);

  const begun = await hold('PUT', '?hours=2');
  const { until } = (await begun.json()) as { until: string };
  expect(Date.parse(until)).toBeGreaterThan(Date.now() + 7_100_000);
  expect(await (await hold('GET')).json()).toEqual({ until });
  expect((await held.request(`/v1/jobs/${id}`, { method: 'DELETE' })).status).toBe(204);
  await delay(20);
  await collectLeftovers(queue, store, { marginMs: 0 });
  expect(await Promise.all([teacher, student, checkpoint].map(isThere))).toEqual([true, true, true]);
  expect(await store.list(`jobs/${id}`)).toHaveLength(1);
  for (const path of ['/v1/store/sweep?remove=true', '/v1/store/scrub?remove=true']) {
    const refused = await problem(await held.request(path, { method: 'POST' }));
    expect(refused).toMatchObject({ code: 'state_conflict', detail: expect.stringContaining(until) });
  }
  expect((await held.request('/v1/store/sweep', { method: 'POST' })).status).toBe(200);

  expect((await hold('DELETE')).status).toBe(204);
  expect(await (await hold('GET')).json()).toEqual({ until: null });
  await collectLeftovers(queue, store, { marginMs: 0 });
  expect(await Promise.all([teacher, student, checkpoint].map(isThere))).toEqual([false, false, false]);
  expect(await store.list(`jobs/${id}`)).toEqual([]);
});

test('a hold waits for the removals that have begun before it', async () => {
  const { queue } = held;
  let finished = false;
  const removal = queue.hold.unless(async () => {
    await delay(500);
    finished = true;
  });
  await delay(50);
  await beginHold(queue, 60_000);
  expect(finished).toBe(true);
  await removal;
  await queue.hold.end();
});

test('a check without contents reads no blob, and tells of what is missing and of a store that is not this one', async () => {
  const { queue, store } = held;
  const { id } = await submitted(held, { baseline: false, seeds: [42] });
  const teacher = await put();
  const named = trainedNetwork({ best: { epoch: 1, weights: teacher } });
  await finish(held, id, 'teacher', teacherResult(named));
  await store.remove(teacher.digest);
  await store.commit('service/another', { since: new Date().toISOString() });
  const report = newScrub({ remove: false, content: false });
  await scrubStore(queue, store, report, new AbortController().signal);
  expect(report.findings.filter(({ name }) => name === teacher.digest)).toMatchObject([
    { kind: 'blob', fault: 'missing', jobs: [id] },
  ]);
  expect(report).toMatchObject({ jobs: 1, services: 1, newStore: false });
  await store.removeManifest('service/another');

  // The identity of this service was registered after the job: the store was another one before.
  await store.removeManifest(`service/${await queue.inventory.identity()}`);
  await store.commit(`service/${await queue.inventory.identity()}`, {
    since: new Date(Date.now() + 3_600_000).toISOString(),
  });
  const later = newScrub({ remove: false, content: false });
  await scrubStore(queue, store, later, new AbortController().signal);
  expect(later).toMatchObject({ services: 0, newStore: true });
});
