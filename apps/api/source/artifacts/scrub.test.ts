import { randomBytes } from 'node:crypto';
import { readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import type { ScrubFinding, ScrubReport } from '@distillery/spec';
import { type BlobInfo, isIntact } from '@distillery/store';
import { blobFile, flipByte, manifestFile } from '@distillery/store/testing';
import { outputsResult, studentResult, teacherResult, trainedNetwork } from '@distillery/training/testing';
import { beforeEach, expect, test } from 'vitest';
import { finish, privateApi, problem, submitted } from '../testing/api.ts';

const held = privateApi();

interface Job {
  id: string;
  teacher: BlobInfo;
  rows: BlobInfo;
  student: BlobInfo;
}
let job: Job;

/** Results that name a blob of no bytes, which the helpers use where a test does not care. */
async function jobWithResults(): Promise<Job> {
  const { store } = held;
  const { id } = await submitted(held, { baseline: false, seeds: [42] });
  const [teacher, rows, student] = await Promise.all([100, 200, 300].map((n) => store.put(randomBytes(n))));
  const named = (weights: BlobInfo) => {
    const network = trainedNetwork({ best: { epoch: 1, weights } });
    const score = { ...network.best, logits: weights };
    return { ...network, best: score, last: score };
  };
  await store.commit(`outputs/${id}/logits/0`, rows);
  await finish(held, id, 'teacher', {
    ...teacherResult(named(teacher), `teachers/${id}`),
    dataset: { ...teacherResult().dataset, testLabels: teacher },
  });
  await finish(held, id, 'outputs', outputsResult(`outputs/${id}`));
  await finish(held, id, 'student.soft.42', {
    ...studentResult(named(student)),
    dataset: { ...studentResult().dataset, testLabels: student },
  });
  return { id, teacher, rows, student };
}

async function scrub(query = ''): Promise<ScrubReport> {
  const begun = await held.request(`/v1/store/scrub${query}`, { method: 'POST' });
  expect(begun.status).toBe(202);
  let report = (await begun.json()) as ScrubReport;
  while (report.state === 'running')
    report = (await (await held.request('/v1/store/scrub')).json()) as ScrubReport;
  return report;
}

const told = ({ findings }: ScrubReport) =>
  findings.map(({ kind, name, fault, jobs }) => ({ kind, name, fault, jobs }));
const byName = (a: Pick<ScrubFinding, 'name'>, b: Pick<ScrubFinding, 'name'>) => (a.name < b.name ? -1 : 1);

/** Flips a bit as a decaying disk does: without a new time of change. */
async function decay(path: string): Promise<void> {
  const { atime, mtime } = await stat(path);
  await flipByte(path);
  await utimes(path, atime, mtime);
}

beforeEach(async () => {
  for (const { id } of (await held.queue.jobs.list({ limit: 100 })).jobs) {
    await held.queue.control.cancel(id).catch(() => undefined);
    await held.queue.control.remove(id);
  }
  for (const name of await held.store.list('')) await held.store.removeManifest(name);
  for await (const { digest } of held.store.blobs(new Date(8.64e15))) await held.store.remove(digest);
  job = await jobWithResults();
});

test('finds nothing in an intact store', async () => {
  expect(await scrub()).toMatchObject({
    state: 'done',
    finishedAt: expect.any(String),
    blobs: 3,
    bytes: 600,
    totalBytes: 600,
    manifests: 1,
    damaged: 0,
    missing: 0,
    findings: [],
  });
});

test('names what is damaged or missing, with the jobs that need it, although the files look unchanged', async () => {
  // This process has verified it before.
  expect(await isIntact(held.store, job.student.digest)).toBe(true);
  await decay(blobFile(held.store, job.student.digest));
  await rm(blobFile(held.store, job.teacher.digest));
  await writeFile(blobFile(held.store, job.rows.digest), '');
  const orphan = await held.store.put(randomBytes(10));
  await decay(blobFile(held.store, orphan.digest));
  const report = await scrub();
  expect(report).toMatchObject({ state: 'done', damaged: 3, missing: 1, removed: 0 });
  expect(told(report).sort(byName)).toEqual(
    [
      { kind: 'blob', name: job.student.digest, fault: 'damaged', jobs: [job.id] },
      { kind: 'blob', name: job.teacher.digest, fault: 'missing', jobs: [job.id] },
      { kind: 'blob', name: job.rows.digest, fault: 'damaged', jobs: [job.id] },
      { kind: 'blob', name: orphan.digest, fault: 'damaged', jobs: [] },
    ].sort(byName),
  );
  expect(report.findings.find(({ name }) => name === job.rows.digest)?.manifests).toEqual([
    `outputs/${job.id}/logits/0`,
  ]);
});

test.each(['damaged', 'missing'] as const)('finds a manifest that is %s', async (fault) => {
  const name = `outputs/${job.id}/logits/0`;
  const path = manifestFile(held.store, name);
  if (fault === 'missing') await rm(path);
  else await writeFile(path, (await readFile(path, 'utf8')).replace('"size":200', '"size":201'));
  expect(told(await scrub())).toEqual([{ kind: 'manifest', name, fault, jobs: [job.id] }]);
});

test('removes what is damaged, so that it counts as absent and can be made again', async () => {
  await flipByte(blobFile(held.store, job.student.digest));
  const name = `outputs/${job.id}/logits/0`;
  await writeFile(manifestFile(held.store, name), '{}x');
  // Damage does not renew a file. What is stored while a scrub runs, or in the same tick of the clock, is kept.
  const past = new Date(Date.now() - 60_000);
  for (const path of [blobFile(held.store, job.student.digest), manifestFile(held.store, name)])
    await utimes(path, past, past);
  expect(await scrub('?remove=true')).toMatchObject({ damaged: 2, removed: 2, remove: true });
  expect(await held.store.stat(job.student.digest)).toBeUndefined();
  expect(await held.store.list('outputs')).toEqual([]);
  expect(await held.store.stat(job.teacher.digest)).toBeDefined();
  expect(await scrub()).toMatchObject({ damaged: 0, missing: 2 });
});

test('one runs at a time, and the report of one whose process ended tells so', async () => {
  const report = await scrub();
  const begun = { ...report, state: 'running' as const, startedAt: '2026-01-01T00:00:00.000Z' };
  expect(await held.queue.scrubs.begin(begun)).toBe(true);
  expect(await held.queue.scrubs.begin(begun)).toBe(false);
  const second = await held.request('/v1/store/scrub', { method: 'POST' });
  expect(await second.json()).toMatchObject({ startedAt: begun.startedAt, state: 'running' });
  await held.queue.scrubs.write({ ...begun, state: 'done' });
  expect((await scrub()).startedAt).not.toBe(begun.startedAt);
});

test('needs a query that it knows', async () => {
  const response = await held.request('/v1/store/scrub?remove=yes', { method: 'POST' });
  expect((await problem(response)).code).toBe('malformed_request');
});
