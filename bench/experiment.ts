import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Dataset, datasets } from '@distillery/datasets';
import { jobSpec } from '@distillery/training';
import { stageRunner } from '@distillery/training/testing';
import { accepted } from './accepted.ts';
import type { Part, Precision } from './protocol.ts';
import { inPrecision } from './steps.ts';

/**
 * Runs the tutorial's experiment like a job, stage by stage with a store on disk: examples/tutorial.json with one seed, on
 * these images. The time of a stage includes training, checkpoints, evaluation on the test images and storing. The data
 * set is already in memory.
 *
 * @throws DistilleryError when this version or machine does not train in that precision
 */
export async function runExperiment(dataset: Dataset, precision: Precision): Promise<Part[]> {
  const tutorial = JSON.parse(
    readFileSync(join(import.meta.dirname, '../examples/tutorial.json'), 'utf8'),
  ) as { training: object };
  const spec = accepted(jobSpec, {
    ...tutorial,
    dataset: { source: 'shapes', trainCount: dataset.train.count, testCount: dataset.test.count },
    seeds: [42],
    training: { ...tutorial.training, ...inPrecision(precision) },
  });
  datasets.get('shapes').load = async () => dataset;
  const runner = await stageRunner();
  try {
    const job = await runner.plan('job_bench', spec);
    const parts: Part[] = [];
    for (const { id, kind, networks = [] } of job.stages) {
      const begun = performance.now();
      await job.run(id);
      const milliseconds = performance.now() - begun;
      parts.push({
        name: kind === 'student' ? (networks[0]?.name ?? id) : id,
        milliseconds,
        accuracy: accuracyOf(job.results[id]),
      });
    }
    return parts;
  } finally {
    await runner.remove();
  }
}

function accuracyOf(stage: unknown): number | null {
  const { result } = stage as { result?: { last: { testAccuracy: number } } };
  return result?.last.testAccuracy ?? null;
}
