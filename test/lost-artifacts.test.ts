import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { JobSpecInput, Report } from '@distillery/spec';
import { blobFile, flipByte } from '@distillery/store/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Service, startService } from './testing/service.ts';

// A disk damages what a job has stored, or a person removes it. The job ends with the bytes that it would have had.

let service: Service;
beforeAll(async () => {
  service = await startService();
}, 60_000);
afterAll(() => service.close(), 60_000);

const spec: JobSpecInput = {
  dataset: { source: 'shapes', trainCount: 64, testCount: 20 },
  teacher: { architecture: { type: 'mlp', hidden: [8] } },
  students: [
    {
      name: 'soft',
      architecture: { type: 'mlp', hidden: [4] },
      method: [{ type: 'soft_target' }, { type: 'cross_entropy' }],
    },
  ],
  baseline: false,
  training: { epochs: 1, batchSize: 32 },
};

const blob = (digest: string) => blobFile(service.store, digest);
const weightsIn = ({ teachers, students }: Report) => [
  teachers[0].best.weights.digest,
  students[0].runs[0].best.weights.digest,
];

async function rows(): Promise<string[]> {
  const names = await service.store.list('outputs');
  const manifests = await Promise.all(names.map((name) => service.store.manifest(name)));
  return manifests.map((manifest) => (manifest as { digest: string }).digest);
}

async function ended(id: string): Promise<string> {
  for await (const { state } of service.client.jobs.watch(id, { interval: 100 })) {
    if (['succeeded', 'failed', 'cancelled'].includes(state)) return state;
  }
  throw new Error('the job has not ended');
}

test('a job whose shared artifacts are lost while it is paused computes them again', {
  timeout: 180_000,
}, async () => {
  const first = await service.complete(spec);
  const { id } = await service.client.jobs.create(spec);
  // The teacher and its outputs are those of the first job, and quickly found.
  while (
    (await service.client.jobs.get(id)).stages.find((stage) => stage.id === 'outputs')?.state !== 'succeeded'
  ) {
    await delay(20);
  }
  await service.client.jobs.pause(id);
  while ((await service.client.jobs.get(id)).state === 'pausing') await delay(50);
  const { state, stages } = await service.client.jobs.get(id);
  expect(state).toBe('paused');
  expect(stages.find(({ kind }) => kind === 'student')?.state).toBe('queued');
  for (const digest of await rows()) await rm(blob(digest));
  await flipByte(blob(weightsIn(first.report)[0]), -1);
  await service.client.jobs.resume(id);
  expect(await ended(id)).toBe('succeeded');
  expect(weightsIn(await service.client.jobs.report(id))).toEqual(weightsIn(first.report));
  const { stages: now } = await service.client.jobs.get(id);
  const attempts = Object.fromEntries(now.map((stage) => [stage.id, stage.attempt]));
  expect(attempts).toMatchObject({ teacher: 2, outputs: 2, report: 1 });
});

test('retry of a succeeded job whose weights are damaged makes them again', {
  timeout: 180_000,
}, async () => {
  const { job, report } = await service.complete(spec);
  const weights = weightsIn(report);
  await expect(service.client.jobs.retry(job.id)).rejects.toMatchObject({ code: 'state_conflict' });
  await flipByte(blob(weights[1]), -1);
  await service.client.jobs.retry(job.id);
  expect(await ended(job.id)).toBe('succeeded');
  expect(weightsIn(await service.client.jobs.report(job.id))).toEqual(weights);
  await service.store.read(weights[1]);
  await expect(service.client.jobs.retry(job.id)).rejects.toMatchObject({ code: 'state_conflict' });
});
