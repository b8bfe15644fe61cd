import { terms } from '@distillery/methods';
import type { Report } from '@distillery/spec';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobSpec } from '../kinds.ts';
import { stageRunner } from './testing.ts';

let runner: Awaited<ReturnType<typeof stageRunner>>;
beforeAll(async () => {
  runner = await stageRunner();
});
afterAll(() => runner.remove());

// From a teacher of its own kind, and from one whose maps have other channels.
test.each(['lightnn', 'deepnn'])(
  'every term trains a student of a %s with its defaults',
  { timeout: 300_000 },
  async (teacher) => {
    const types = terms.list.map(({ type }) => type).filter((type) => type !== 'cross_entropy');
    const spec = jobSpec.parse({
      dataset: { source: 'shapes', trainCount: 150, testCount: 50 },
      teacher: { architecture: { type: teacher } },
      students: types.map((type) => ({
        name: type,
        architecture: { type: 'lightnn' },
        method: [{ type }, { type: 'cross_entropy' }],
      })),
      // The last batch has a single image: terms that compare samples must stand it.
      training: { epochs: 1, batchSize: 67 },
    });
    const job = await runner.plan(`job_terms_${teacher}`, spec);
    for (const { id } of job.stages) await job.run(id);
    const { report } = job.results.report as { report: Report };
    const [control, ...students] = report.students.map(({ name, runs }) => ({ name, run: runs[0] }));
    expect(students.map(({ name }) => name)).toEqual(types);
    for (const { name, run } of students) {
      expect(run.losses[name], name).toBeGreaterThan(0);
      expect(run.last.weights.digest, `${name} moves the student`).not.toBe(control.run.last.weights.digest);
    }
  },
);
