import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type BlobInfo, claim } from '@distillery/store';
import { outputsResult, studentResult, teacherResult, trainedNetwork } from '@distillery/training/testing';
import { expect, test } from 'vitest';
import { finish, privateApi, problem, submitted } from '../testing/api.ts';
import { collectLeftovers } from './collect.ts';

// The API collects by itself, but too rarely for these tests.
const held = privateApi({ collection: { everyMs: 3_600_000 } });

const remove = (id: string) => held.request(`/v1/jobs/${id}`, { method: 'DELETE' });
const put = (bytes = 100) => held.store.put(randomBytes(bytes));
const named = (weights: BlobInfo) => trainedNetwork({ best: { epoch: 1, weights } });

/** Collects after everything so far has become older than the clock's resolution. */
async function collect() {
  await delay(20);
  return await collectLeftovers(held.queue, held.store, { marginMs: 0 });
}

async function there(...blobs: BlobInfo[]): Promise<boolean[]> {
  return await Promise.all(blobs.map(async ({ digest }) => (await held.store.stat(digest)) !== undefined));
}

async function bytesInStore(): Promise<number> {
  let sum = 0;
  for await (const { size } of held.store.blobs(new Date(8.64e15))) sum += size;
  return sum;
}

interface Shared {
  teacher: BlobInfo;
  rows: BlobInfo;
  address: string;
}

/** A teacher and its outputs, as stages have stored them. */
async function sharedResults(name: string): Promise<Shared> {
  const [teacher, rows] = [await put(), await put(200)];
  await held.store.commit(`teachers/${name}`, named(teacher));
  await held.store.commit(`outputs/${name}/logits/0`, rows);
  return { teacher, rows, address: name };
}

/** A job that has succeeded, with a student of its own. */
async function succeeded({ teacher, address }: Shared): Promise<{ id: string; own: BlobInfo }> {
  const { id } = await submitted(held, { baseline: false, seeds: [42] });
  const [own, checkpoint] = [await put(300), await put(400)];
  await held.store.commit(`jobs/${id}/student.soft.42/checkpoints/1`, { blob: checkpoint.digest });
  await finish(held, id, 'teacher', teacherResult(named(teacher), `teachers/${address}`));
  await finish(held, id, 'outputs', outputsResult(`outputs/${address}`));
  await finish(held, id, 'student.soft.42', studentResult(named(own)));
  await finish(held, id, 'report', { report: {} });
  return { id, own };
}

test('a deleted job leaves nothing behind but what other jobs name, beside paused and waiting jobs', async () => {
  const shared = await sharedResults('t');
  const [first, second] = [await succeeded(shared), await succeeded(shared)];
  const paused = await submitted(held);
  await held.queue.control.pause(paused.id);
  const waiting = await submitted(held);
  const before = await bytesInStore();
  expect((await remove(first.id)).status).toBe(204);
  expect(await held.store.list(`jobs/${first.id}`)).toEqual([]);
  expect(await collect()).toMatchObject({ blobs: 1, bytes: 300 });
  expect(await bytesInStore()).toBe(before - 300 - 400);
  expect(await there(first.own, second.own, shared.teacher, shared.rows)).toEqual([false, true, true, true]);
  expect((await remove(second.id)).status).toBe(204);
  expect(await collect()).toMatchObject({ blobs: 3, bytes: 600 });
  expect(await there(second.own, shared.teacher, shared.rows)).toEqual([false, false, false]);
  expect(await held.store.list('teachers')).toEqual([]);
  expect(await held.store.list('outputs')).toEqual([]);
  expect(await collect()).toEqual({ blobs: 0, bytes: 0 });
  expect((await problem(await remove(second.id))).code).toBe('job_not_found');
  for (const { id } of [paused, waiting]) await held.queue.control.cancel(id);
});

test('what a running stage has claimed stays until it ends, and then for as long as its job names it', async () => {
  const shared = await sharedResults('claimed');
  const old = await succeeded(shared);
  const { id } = await submitted(held, { baseline: false, seeds: [42] });
  const teacher = await held.queue.attempts.begin(id, 'teacher', 'w');
  if ('skip' in teacher) throw new Error(teacher.skip);
  await delay(20);
  const young = await put();
  expect(await claim(held.store, 'teachers/claimed', [shared.teacher.digest])).toBe(true);
  await remove(old.id);
  // What is older than the stage cannot be in its hands.
  expect(await collect()).toMatchObject({ blobs: 2, bytes: 500 });
  expect(await collect()).toEqual({ blobs: 0, bytes: 0 });
  expect(await there(shared.teacher, shared.rows, old.own, young)).toEqual([true, false, false, true]);
  await held.queue.attempts.succeed(teacher, teacherResult(named(shared.teacher), 'teachers/claimed'));
  expect(await collect()).toEqual({ blobs: 0, bytes: 0 });
  expect(await held.store.list('teachers')).toEqual(['teachers/claimed']);
  await held.queue.control.cancel(id);
  await remove(id);
  expect(await collect()).toMatchObject({ blobs: 1 });
  expect(await held.store.list('teachers')).toEqual([]);
});

test('what was claimed or put again a moment ago stays for a later collection', async () => {
  const shared = await sharedResults('young');
  const { id } = await succeeded(shared);
  await remove(id);
  expect(await collectLeftovers(held.queue, held.store)).toEqual({ blobs: 0, bytes: 0 });
  expect(await there(shared.teacher, shared.rows)).toEqual([true, true]);
  expect(await collect()).toMatchObject({ blobs: 3 });
});

test('the weights of a stored teacher stay for as long as a job names them in its spec', async () => {
  const weights = await put();
  const first = await submitted(held, { baseline: false, seeds: [42] });
  await finish(held, first.id, 'teacher', teacherResult(named(weights)));
  await held.queue.control.cancel(first.id);
  const { view } = await held.queue.jobs.create({
    name: null,
    labels: {},
    posted: {},
    spec: { teacher: { type: 'stored', weights: weights.digest } },
    plan: { version: 1, distillery: '0.0.0', stages: [] },
  });
  await remove(first.id);
  expect(await collect()).toEqual({ blobs: 0, bytes: 0 });
  expect(await there(weights)).toEqual([true]);
  await held.queue.control.cancel(view.id);
  await remove(view.id);
  expect(await collect()).toMatchObject({ blobs: 1 });
});

test('collections at the same time do no harm', async () => {
  const shared = await sharedResults('together');
  const { id, own } = await succeeded(shared);
  const other = await succeeded(await sharedResults('other'));
  await remove(id);
  await delay(20);
  await Promise.all([1, 2, 3].map(() => collectLeftovers(held.queue, held.store, { marginMs: 0 })));
  expect(await there(own, shared.teacher, shared.rows, other.own)).toEqual([false, false, false, true]);
});

test('the API collects by itself', async () => {
  const shared = await sharedResults('itself');
  const { id } = await succeeded(shared);
  await remove(id);
  const api = await held.start({ collection: { everyMs: 20, marginMs: 0 } });
  try {
    await expect.poll(() => there(shared.teacher, shared.rows)).toEqual([false, false]);
  } finally {
    await api.close();
  }
});

test('no artifact is collected from a store that another service has used', async () => {
  const shared = await sharedResults('foreign');
  const { id } = await succeeded(shared);
  await remove(id);
  await held.store.commit('service/another', { since: '2026-01-01T00:00:00.000Z' });
  expect(await collect()).toEqual({ blobs: 0, bytes: 0 });
  await held.store.removeManifest('service/another');
  expect(await collect()).toMatchObject({ blobs: 3 });
});
