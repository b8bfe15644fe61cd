import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { png } from '@distillery/datasets/testing';
import type { Report } from '@distillery/spec';
import { expect, onTestFinished, test } from 'vitest';
import { jobSpec } from '../kinds.ts';
import { planJob } from '../planning/plan.ts';
import { stageRunner } from '../testing/stages.ts';

const counts = { train: 6, valid: 4, test: 2 };

/** Dark and light images. Where `wrong`, those in `valid` have each other's names. */
async function imagesIn(folder: string, wrong: boolean): Promise<void> {
  for (const [split, count] of Object.entries(counts)) {
    for (const [at, name] of ['dark', 'light'].entries()) {
      await mkdir(join(folder, split, name), { recursive: true });
      const level = (at === 1) === (wrong && split === 'valid') ? 20 : 220;
      for (let i = 0; i < count; i++)
        await writeFile(join(folder, split, name, `${i}.png`), await png(level + i, level, level, 8, 8));
    }
  }
}

test('epochs are scored on the images of a validation folder, and trained on none of them', {
  timeout: 300_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'distillery-validation-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await imagesIn(join(folder, 'right'), false);
  await imagesIn(join(folder, 'wrong'), true);
  const runner = await stageRunner([folder]);
  onTestFinished(() => runner.remove());
  const spec = (path: string, more: object = {}) =>
    jobSpec.parse({
      dataset: { source: 'image_folder', path },
      teacher: { architecture: { type: 'mlp', hidden: [8] } },
      students: [
        { name: 'small', architecture: { type: 'mlp', hidden: [4] }, method: [{ type: 'soft_target' }] },
      ],
      training: {
        epochs: 12,
        batchSize: 4,
        optimizer: { type: 'adam', learningRate: 0.03 },
        augmentation: { type: 'none' },
      },
      ...more,
    });
  const reportOf = async (path: string) => {
    const job = await runner.plan(`job_${path}`, spec(path));
    for (const stage of job.stages) await job.run(stage.id);
    return (job.results.report as { report: Report }).report;
  };
  const right = await reportOf('right');
  expect(right.dataset).toMatchObject({ train: 12, validation: 8, test: 4 });
  expect(right.teachers[0].last).toMatchObject({ validationAccuracy: 1, testAccuracy: 1 });
  const wrong = await reportOf('wrong');
  expect(wrong.teachers[0].last).toMatchObject({ validationAccuracy: 0, testAccuracy: 1 });

  const context = { cacheDir: join(folder, 'cache'), roots: [folder] };
  const { plan } = await planJob(spec('right', { validation: 0.3 }), context);
  expect(plan.dataset).toMatchObject({ train: 12, validation: 8, test: 4 });
  expect(plan.warnings).toContain(
    'the data set gives 8 validation samples: "validation" holds out no share of 0.3 beside them',
  );
  const { plan: without } = await planJob(spec('right', { validation: 0 }), context);
  expect(without.dataset).toMatchObject({ train: 12, validation: 0, test: 4 });
});
