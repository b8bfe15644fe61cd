import { terms } from '@distillery/methods';
import type { Report } from '@distillery/spec';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobSpec } from '../kinds.ts';
import { stageRunner } from '../testing/stages.ts';

let runner: Awaited<ReturnType<typeof stageRunner>>;
beforeAll(async () => {
  runner = await stageRunner();
});
afterAll(() => runner.remove());

/** Those that need the layers of transformers; the others take networks of images. */
const ofTransformers = ['attention_heads', 'hidden_states', 'minilm'];
const all = terms.list.map(({ type }) => type).filter((type) => type !== 'cross_entropy');
const ofImages = all.filter((type) => !ofTransformers.includes(type));

const lightnn = { type: 'lightnn' };
const vit = { type: 'vit', patch: 8, width: 12, depth: 2, heads: 2 };
/** The last batch has a single image: terms that compare samples must stand it. */
const training = { epochs: 1, batchSize: 22 };
const dataset = { source: 'shapes', trainCount: 50, testCount: 20 };

// From a teacher of its own kind, and from one whose maps have other channels, or whose layers are more and wider. One has stored
// outputs, and one runs in the training loop.
test.each([
  { of: 'a lightnn', teacher: lightnn, student: lightnn, types: ofImages, views: 'fresh' },
  { of: 'a deepnn', teacher: { type: 'deepnn' }, student: lightnn, types: ofImages, views: 1 },
  { of: 'a vit', teacher: vit, student: vit, types: ofTransformers, views: 'fresh' },
  {
    of: 'a larger vit',
    teacher: { ...vit, width: 18, depth: 3, heads: 3 },
    student: vit,
    types: ofTransformers,
    views: 1,
  },
])(
  'every term trains a student of $of with its defaults',
  { timeout: 300_000 },
  async ({ of, teacher, student, types, views }) => {
    const spec = jobSpec.parse({
      dataset,
      teacher: { architecture: teacher },
      students: types.map((type) => ({
        name: type,
        architecture: student,
        method: [{ type }, { type: 'cross_entropy' }],
      })),
      training: { ...training, augmentation: { type: 'flip', views } },
    });
    const job = await runner.plan(`job_terms_${of.replaceAll(' ', '_')}`, spec);
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

test('a transformer learns from a convolutional teacher through its distillation token, and its control from labels', {
  timeout: 300_000,
}, async () => {
  const spec = jobSpec.parse({
    dataset,
    teacher: { architecture: lightnn },
    students: [
      {
        name: 'deit',
        architecture: { ...vit, distillationToken: true },
        method: [{ type: 'deit_hard' }, { type: 'cross_entropy', student: 'class' }],
      },
    ],
    training,
  });
  const job = await runner.plan('job_deit', spec);
  for (const { id } of job.stages) await job.run(id);
  const { report } = job.results.report as { report: Report };
  const [control, student] = report.students.map(({ runs }) => runs[0]);
  expect(Object.keys(student.losses)).toEqual(['deit_hard', 'cross_entropy', 'loss']);
  expect(Object.keys(control.losses)).toEqual(['cross_entropy', 'loss']);
  for (const { losses } of [control, student]) {
    expect(Object.values(losses).every((loss) => loss > 0 && Number.isFinite(loss))).toBe(true);
  }
});
