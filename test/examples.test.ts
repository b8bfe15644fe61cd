import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { JobSpecInput, Report } from '@distillery/spec';
import { jobSpec } from '@distillery/training';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stageRunner } from '@distillery/training/testing';

// Runs one example of each family on a few images, with networks of the smallest depth.

const folder = resolve(import.meta.dirname, '../examples/terms');

let runner: Awaited<ReturnType<typeof stageRunner>>;
beforeAll(async () => {
  runner = await stageRunner();
});
afterAll(() => runner.remove());

const families: [family: string, type: string][] = [
  ['logits', 'soft_target'],
  ['features', 'rkd_angle'],
  ['maps', 'attention'],
  ['relations between layers', 'fsp'],
  ["the teacher's weights", 'softmax_regression'],
  ['a schedule', 'decoupled'],
];

test.each(families)(
  'an example on %s, %s, runs to its report',
  { timeout: 300_000 },
  async (_family, type) => {
    const example = JSON.parse(readFileSync(join(folder, `${type}.json`), 'utf8')) as JobSpecInput;
    const spec = jobSpec.parse(shrunk(example));
    const job = await runner.plan(`job_${type}`, spec);
    for (const { id } of job.stages) await job.run(id);
    const { report } = job.results.report as { report: Report };
    const [control, student] = report.students;
    expect(report.students.map(({ name }) => name)).toEqual(['control', type]);
    const [run] = student.runs;
    expect(Object.keys(run.losses)).toEqual([...spec.students[0].method.map((term) => term.type), 'loss']);
    for (const loss of Object.values(run.losses)) expect(Number.isFinite(loss)).toBe(true);
    expect(run.losses[type]).toBeGreaterThan(0);
    expect(run.initialWeights).toBe(control.runs[0].initialWeights);
    expect(run.last.weights.digest, 'the term moves the student').not.toBe(
      control.runs[0].last.weights.digest,
    );
  },
);

/** Returns an example with networks of the smallest depth, a few images and one epoch. */
function shrunk({ teacher, students, training, ...rest }: JobSpecInput): unknown {
  const shallow = (network: object) => {
    const choice = (network as { architecture?: unknown }).architecture as { type: string; depth?: number };
    return choice.depth === undefined ? choice : { ...choice, depth: least[choice.type] };
  };
  return {
    ...rest,
    dataset: { source: 'shapes', trainCount: 60, testCount: 20 },
    teacher: { ...teacher, architecture: shallow(teacher ?? {}) },
    students: students.map((student) => ({ ...student, architecture: shallow(student) })),
    seeds: [1],
    training: { ...training, epochs: 1, batchSize: 24 },
  };
}

const least: Record<string, number> = { resnet: 8, wide_resnet: 10, vgg: 8 };
