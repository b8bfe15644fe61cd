import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeImages } from '@distillery/datasets/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobSpec } from '../kinds.ts';
import { stageRunner } from '../testing/stages.ts';
import { StopTraining } from '../training-run.ts';
import type { StudentResult } from './student.ts';

// Images that are decoded when a batch needs them, from the files to the student.

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-on-read-'));
  await writeImages(join(folder, 'set'), { train: 60, test: 12 });
  // The pixels of one are damaged, which its header does not tell.
  await writeFile(join(folder, 'set/train/light/7.png'), 'no image');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const spec = jobSpec.parse({
  dataset: { source: 'image_folder', path: 'set', size: [16, 16], decoding: 'on_read' },
  teacher: { architecture: { type: 'mlp', hidden: [16] } },
  students: [
    { name: 'small', architecture: { type: 'mlp', hidden: [4] }, method: [{ type: 'soft_target' }] },
  ],
  baseline: false,
  training: { epochs: 4, batchSize: 16, optimizer: { type: 'adam' }, augmentation: { type: 'flip' } },
});

/** Runs the job with its own store and decoded copies; a student that `stopAt` steps stop is run again. */
async function trained(stopAt: readonly number[]) {
  const runner = await stageRunner([folder]);
  try {
    const job = await runner.plan('job_on_read', spec);
    const skipped: string[] = [];
    const warnings: string[] = [];
    const run = async (id: string, pause?: () => Promise<void>) => {
      const reported = await job.run(id, pause);
      skipped.push(...reported.skipped.flatMap(({ samples }) => samples.map(({ name }) => name)));
      warnings.push(...reported.warnings);
    };
    for (const { id } of job.stages) {
      for (const at of id.startsWith('student') ? stopAt : []) {
        let pauses = 0;
        const pause = async () => {
          if (++pauses === at) throw new StopTraining();
        };
        await expect(run(id, pause)).rejects.toBeInstanceOf(StopTraining);
      }
      await run(id);
    }
    const student = job.stages.find(({ kind }) => kind === 'student')?.id ?? '';
    const { result, dataset } = job.results[student] as StudentResult;
    return { digest: result.last.weights.digest, skipped, warnings, dataset };
  } finally {
    await runner.remove();
  }
}

test('a run that is stopped goes on with the same bytes, and names what cannot be decoded', {
  timeout: 300_000,
}, async () => {
  const whole = await trained([]);
  expect(new Set(whole.skipped)).toEqual(new Set(['train/light/7.png']));
  expect(whole.warnings.filter((warning) => warning.startsWith('The images are decoded while'))).not.toEqual(
    [],
  );
  expect((await trained([2, 5])).digest).toBe(whole.digest);
});
