import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeSafetensors } from '@distillery/formats';
import { syntheticTexts } from '@distillery/datasets/testing';
import type { Report } from '@distillery/spec';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobSpec } from '../kinds.ts';
import { planJob } from '../planning/plan.ts';
import { decodeTestSamples } from '../test-samples.ts';
import type { StudentResult } from './student.ts';
import { stageRunner } from '../testing/stages.ts';

let folder: string;
let runner: Awaited<ReturnType<typeof stageRunner>>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-texts-'));
  await writeFile(join(folder, 'train.csv'), syntheticTexts(600));
  await writeFile(join(folder, 'test.csv'), syntheticTexts(150, 1));
  runner = await stageRunner([folder]);
});
afterAll(async () => {
  await runner.remove();
  await rm(folder, { recursive: true, force: true });
});

const dataset = { source: 'text_csv', path: 'train.csv', testPath: 'test.csv', length: 24 };
const learn = [{ type: 'soft_target' }, { type: 'cross_entropy' }];
const student = { type: 'text_transformer', width: 16, depth: 1, heads: 2 };
const base = {
  dataset: { ...dataset, tokenizer: { type: 'word', vocabulary: 100 } },
  teacher: { architecture: { type: 'text_transformer', width: 32, depth: 3, heads: 4 } },
  students: [
    { name: 'small', architecture: student, method: learn },
    {
      name: 'layers',
      architecture: student,
      method: [{ type: 'attention_heads' }, { type: 'hidden_states' }, ...learn],
    },
  ],
  training: { epochs: 4, batchSize: 32, optimizer: { type: 'adam', learningRate: 0.003 } },
};

test('a deeper teacher of texts teaches a small student', { timeout: 300_000 }, async () => {
  const job = await runner.plan('job_texts', jobSpec.parse(base));
  for (const { id } of job.stages) await job.run(id);
  const { report } = job.results.report as { report: Report };
  const { testSamples } = (
    job.results[job.stages.find(({ id }) => id.startsWith('student.small'))?.id ?? ''] as StudentResult
  ).dataset;
  const samples = decodeTestSamples(await runner.store.read(testSamples?.digest as string));
  const { kind, texts } = samples.content as { kind: string; texts: string[] };
  expect([kind, samples.indices.length, texts.length]).toEqual(['text', 150, 150]);
  expect(texts[0]).toMatch(/^\p{L}+ \p{L}+ /u);
  const [teacher] = report.teachers;
  // A third of them would be right by chance.
  expect(teacher.best.testAccuracy).toBeGreaterThan(0.8);
  const [control, small, layers] = report.students.map(({ runs }) => runs[0]);
  expect(small.best.testAccuracy).toBeGreaterThan(0.7);
  expect(small.losses.soft_target).toBeGreaterThan(0);
  expect(small.last.weights.digest).not.toBe(control.last.weights.digest);
  // Of other widths and numbers of heads and layers.
  expect(layers.losses.attention_heads).toBeGreaterThan(0);
  expect(layers.losses.hidden_states).toBeGreaterThan(0);
  expect(layers.last.weights.digest).not.toBe(small.last.weights.digest);
  // Two bytes for each token: the report has the bytes in memory.
  expect(small.datasetBytes).toBe(750 * 24 * 2);
  const { metadata } = decodeSafetensors(await runner.store.read(small.last.weights.digest));
  expect(JSON.parse(metadata.tokenizer)).toMatchObject({
    type: 'word',
    lowercase: true,
    words: expect.arrayContaining(['harbour', 'kettle', 'fern']),
  });
  expect(metadata).toMatchObject({ input: '[24]' });
  expect(metadata).not.toHaveProperty('normalization');
});

async function refusal(changes: object) {
  const spec = jobSpec.parse({ ...base, ...changes });
  const error = await planJob(spec, { cacheDir: join(folder, 'cache'), roots: [folder] }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error as { code: string; fields: unknown[] };
}

test('a plan knows the vocabulary, and is refused for what does not go with texts', async () => {
  const { plan } = await planJob(jobSpec.parse(base), { cacheDir: join(folder, 'cache'), roots: [folder] });
  expect(plan.dataset).toMatchObject({ classes: ['forest', 'kitchen', 'sea'], shape: [24], test: 150 });
  expect(plan.estimate.datasetBytes).toBe(750 * 24 * 2);
  expect(await refusal({ teacher: { architecture: { type: 'lightnn' } } })).toMatchObject({
    code: 'invalid_spec',
    fields: [
      {
        path: '/teacher/architecture',
        message: 'does not fit texts of [24]: lightnn expects images, but the data set holds texts',
      },
    ],
  });
  expect(await refusal({ dataset: { source: 'shapes' } })).toMatchObject({
    code: 'invalid_spec',
    fields: [
      '/teacher/architecture',
      '/students',
      '/students/0/architecture',
      '/students/1/architecture',
    ].map((path) => ({
      path: expect.stringContaining(path),
      message: expect.stringMatching(/text_transformer expects texts, but the data set holds images$/),
    })),
  });
  expect(await refusal({ training: { augmentation: { type: 'flip' } } })).toMatchObject({
    code: 'invalid_spec',
    fields: [{ path: '/training/augmentation/type', value: 'flip', allowed: ['none'] }],
  });
  const own = { ...base.dataset, path: 'test.csv', testPath: 'train.csv' };
  expect(await refusal({ teacher: { ...base.teacher, dataset: own } })).toMatchObject({
    code: 'invalid_spec',
    fields: [{ path: '/teacher/dataset', message: expect.stringMatching(/^is not supported for texts/) }],
  });
});

test('tokens are dropped anew in each view, which teachers are asked about', {
  timeout: 240_000,
}, async () => {
  const transforms = [{ type: 'token_dropout', probability: 0.2 }];
  const training = { ...base.training, epochs: 2 };
  const small = { ...base, students: [base.students[0]], baseline: false };
  const run = async (id: string, augmentation: object) => {
    const job = await runner.plan(id, jobSpec.parse({ ...small, training: { ...training, augmentation } }));
    for (const stage of job.stages) await job.run(stage.id);
    return (job.results.report as { report: Report }).report;
  };
  const cached = await run('job_dropped', { transforms, views: 2 });
  const fresh = await run('job_dropped_fresh', { transforms, views: 'fresh' });
  const whole = await run('job_whole_texts', {});
  expect(cached.outputs).toMatchObject([{ augmentation: 'token_dropout', views: 2 }]);
  const lossOf = ({ students }: Report) => students[0].runs[0].losses.soft_target;
  // Batches of another size are rounded in another order.
  expect(Math.abs(lossOf(fresh) / lossOf(cached) - 1)).toBeLessThan(1e-3);
  expect(Math.abs(lossOf(whole) / lossOf(cached) - 1)).toBeGreaterThan(1e-3);
});
