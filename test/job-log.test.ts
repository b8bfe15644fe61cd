import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { syntheticTexts } from '@distillery/datasets/testing';
import { type JobEvent, jobEventSchema } from '@distillery/spec';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Service, startService, workerModule } from './testing/service.ts';

let folder: string;
let service: Service;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-log-'));
  await writeFile(join(folder, 'train.csv'), syntheticTexts(120));
  await appendFile(join(folder, 'train.csv'), '"a text without a label",\n');
  await writeFile(join(folder, 'test.csv'), syntheticTexts(30, 1));
  service = await startService({ workers: 0, roots: [folder] });
}, 60_000);
afterAll(async () => {
  await service.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

const architecture = { type: 'text_transformer', width: 16, depth: 1, heads: 2 };

test('the log, the view and the report of a job contain its events', { timeout: 180_000 }, async () => {
  const { client, queue } = service;
  const { id } = await client.jobs.create({
    dataset: { source: 'text_csv', path: 'train.csv', testPath: 'test.csv', length: 16 },
    teacher: { architecture },
    students: [{ name: 'small', architecture, method: [{ type: 'soft_target' }] }],
    baseline: false,
    training: { epochs: 2, batchSize: 40 },
  });
  // The first attempt reports a warning, then hands the stage back.
  const first = await queue.attempts.begin(id, 'teacher', 'first');
  if ('skip' in first) throw new Error(first.skip);
  await queue.attempts.warning(first, 'the disk is slow');
  await queue.attempts.handBack(first);
  const { startWorker } = await workerModule();
  service.workers.push(
    await startWorker({
      redisUrl: service.redisUrl,
      store: join(service.folder, 'store'),
      dataDir: join(service.folder, 'data'),
      roots: [folder],
      log: pino({ level: 'silent' }),
      version: 'test',
    }),
  );
  for await (const view of client.jobs.watch(id, { interval: 100 })) expect(view.reason).toBeNull();
  const job = await client.jobs.get(id);
  const report = await client.jobs.report(id);

  const events: JobEvent[] = (await queue.events.read(id)).map((event) => jobEventSchema.parse(event));
  expect(new Set(events.map(({ type }) => type))).toEqual(
    new Set(['job', 'stage', 'progress', 'metrics', 'warning', 'skipped', 'log', 'checkpoint', 'report']),
  );
  const steps = 2 * Math.ceil(120 / 40);
  for (const stage of ['teacher', 'student.small.42']) {
    expect(events).toContainEqual(expect.objectContaining({ type: 'checkpoint', stage, step: steps }));
    const rows = (await queue.metrics.read(id, { stage })).rows.length;
    expect(events).toContainEqual(expect.objectContaining({ type: 'metrics', stage, rows }));
  }
  expect(events).toContainEqual(
    expect.objectContaining({
      type: 'log',
      source: 'supervisor',
      level: 'info',
      stage: 'teacher',
      message: expect.stringMatching(new RegExp(`^${service.workers[0].id} starts attempt 2 `)),
    }),
  );

  // Others say that so few images teach little.
  expect(job.warnings.filter(({ stage }) => stage === 'teacher')).toMatchObject([
    { stage: 'teacher', attempt: 1, message: 'the disk is slow', count: 1 },
    {
      stage: 'teacher',
      attempt: 2,
      message: expect.stringMatching(/^\d+ of 150 texts are longer than 16 tokens/),
    },
  ]);
  expect(job.warnings.filter(({ message }) => message.includes('longer than 16 tokens'))).toHaveLength(1);
  const samples = [{ name: expect.stringContaining('122'), reason: expect.stringMatching(/label/) }];
  expect(job.skippedData).toEqual([{ stage: 'teacher', digest: report.dataset.digest, count: 1, samples }]);
  const [{ name, reason }] = job.skippedData[0].samples;
  expect(report.warnings).toEqual(
    expect.arrayContaining([
      `1 sample could not be read and was left out: ${name} (${reason})`,
      'teacher: the disk is slow',
    ]),
  );
});
