import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { syntheticTable, writeDigits } from '@distillery/datasets/testing';
import { decodeSafetensors } from '@distillery/formats';
import type { Report } from '@distillery/spec';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobSpec } from '../kinds.ts';
import { planJob } from '../planning/plan.ts';
import { decodeTestSamples } from '../test-samples.ts';
import { stageRunner } from '../testing/stages.ts';
import type { StudentResult } from './student.ts';

// Rows of numbers, and grey images in the files of MNIST, from the file to the report.

let folder: string;
let runner: Awaited<ReturnType<typeof stageRunner>>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-arrays-'));
  await writeFile(join(folder, 'table.csv'), syntheticTable(600));
  await writeDigits(join(folder, 'digits'), { train: 240, test: 60 });
  runner = await stageRunner([folder]);
});
afterAll(async () => {
  await runner.remove();
  await rm(folder, { recursive: true, force: true });
});

const method = [{ type: 'soft_target' }, { type: 'cross_entropy' }];
const rows = {
  dataset: { source: 'table', path: 'table.csv', testFraction: 0.25 },
  teacher: { architecture: { type: 'mlp', hidden: [32, 32] } },
  students: [{ name: 'small', architecture: { type: 'mlp', hidden: [8] }, method }],
  training: { epochs: 30, batchSize: 32, optimizer: { type: 'adam', learningRate: 0.01 } },
};

async function reported(id: string, spec: object) {
  const job = await runner.plan(id, jobSpec.parse(spec));
  const warnings: string[] = [];
  for (const stage of job.stages) warnings.push(...(await job.run(stage.id)).warnings);
  const { report } = job.results.report as { report: Report };
  const student = job.stages.find(({ id: name }) => name.startsWith('student.small'))?.id ?? '';
  return { report, warnings, data: (job.results[student] as StudentResult).dataset };
}

test('a perceptron learns rows of numbers from a wider one', { timeout: 300_000 }, async () => {
  const { report, warnings, data } = await reported('job_table', rows);
  expect(report.teachers[0].best.testAccuracy).toBeGreaterThan(0.9);
  const small = report.students[1].runs[0];
  expect(small.best.testAccuracy).toBeGreaterThan(0.8);
  expect(small.losses.soft_target).toBeGreaterThan(0);
  expect(warnings).toContain('missing numbers are replaced by the mean of the training rows: 12 in "x"');
  const { metadata } = decodeSafetensors(await runner.store.read(small.best.weights.digest));
  expect(JSON.parse(metadata.columns)).toMatchObject([{ name: 'x' }, { name: 'y' }]);
  expect(metadata).not.toHaveProperty('normalization');
  const samples = decodeTestSamples(await runner.store.read(data.testSamples?.digest as string));
  const { texts } = samples.content as { texts: string[] };
  expect(texts).toHaveLength(150);
  for (const text of texts) expect(text).toMatch(/^x [\d.]+, y -?[\d.e-]+$/);
});

test('what does not take rows of numbers is refused by name', async () => {
  const refusal = async (changes: object) => {
    const planned = planJob(jobSpec.parse({ ...rows, ...changes }), {
      cacheDir: join(folder, 'cache'),
      roots: [folder],
    });
    return planned.then(
      () => undefined,
      (error: unknown) => error,
    );
  };
  expect(await refusal({ teacher: { architecture: { type: 'lightnn' } } })).toMatchObject({
    fields: [
      {
        path: '/teacher/architecture',
        message: 'does not fit tables of [2]: lightnn expects images, but the data set holds tables',
      },
    ],
  });
  expect(await refusal({ training: { augmentation: { type: 'flip' } } })).toMatchObject({
    fields: [
      { path: '/training/augmentation/type', message: 'augments images, but the data set holds tables' },
    ],
  });
  const own = { ...rows.dataset, testFraction: 0.5 };
  expect(await refusal({ teacher: { ...rows.teacher, dataset: own } })).toMatchObject({
    fields: [{ path: '/teacher/dataset', message: expect.stringMatching(/^is not supported for tables/) }],
  });
});

test('grey images of the files of MNIST are learned', { timeout: 300_000 }, async () => {
  const { report, data } = await reported('job_digits', {
    dataset: { source: 'idx', path: 'digits', classNames: ['columns', 'rows', 'diagonals'] },
    teacher: { architecture: { type: 'lightnn' } },
    students: [{ name: 'small', architecture: { type: 'mlp', hidden: [16] }, method }],
    training: {
      epochs: 6,
      batchSize: 32,
      optimizer: { type: 'adam', learningRate: 0.003 },
      augmentation: { type: 'none' },
    },
  });
  expect(report.teachers[0].best.testAccuracy).toBeGreaterThan(0.8);
  const samples = decodeTestSamples(await runner.store.read(data.testSamples?.digest as string));
  expect(samples.content).toMatchObject({ kind: 'image', shape: [28, 28, 1] });
  expect(report.dataset.classes).toEqual(['columns', 'rows', 'diagonals']);
});
