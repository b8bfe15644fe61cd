import { jobSpec, teachers } from '../kinds.ts';
import { planJob } from '../planning/plan.ts';
import { stageRunner } from '../testing/stages.ts';
import { z } from 'zod';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { artifactsOf, networksOf, stageKinds } from './index.ts';
import type { TeacherKind } from '@distillery/teachers';
import type { StageKind } from './stage.ts';
import { teacher } from './teacher.ts';

const input = z.strictObject({ teacher: z.string(), trained: z.string() });
const result = z.object({ digest: z.string(), accuracy: z.number() });

/** Notes how well each teacher does, and in the store too. */
const note: StageKind<typeof input, typeof result> = {
  type: 'note',
  summary: 'Notes the accuracy of a teacher',
  options: input,
  result,
  id: ({ teacher: name }) => `note.${name}`,
  needs: ({ trained }) => [trained],
  about: ({ teacher: name }) => ({ networks: [name] }),
  plan: ({ layout }) =>
    layout.teachers
      .filter(({ teacher: { training } }) => training !== undefined)
      .map(({ teacher: { name } }) => ({
        input: { teacher: name, trained: teacher.id({ teacher: name }) },
        work: 1,
      })),
  artifacts: ({ digest }) => ({ blobs: [digest], shared: [] }),
  async run(context) {
    const { testAccuracy } = context.result(teacher, context.input.trained).result.best;
    const { digest } = await context.store.put(Buffer.from(String(testAccuracy)));
    return { digest, accuracy: testAccuracy };
  },
};

/** Its outputs come with it. */
const listed: TeacherKind = {
  type: 'listed',
  summary: 'Has outputs for the images that it was asked about',
  options: z.strictObject({}),
  trains: false,
  given: true,
  outline: async () => ({ architecture: { type: 'lightnn' } }),
  open: () => Promise.reject(new Error('a plan opens no teacher')),
};

let runner: Awaited<ReturnType<typeof stageRunner>>;
beforeAll(async () => {
  stageKinds.add(note);
  teachers.add(listed);
  runner = await stageRunner();
});
afterAll(() => runner.remove());

test('a kind of stage that is added is planned, run and asked like any other', {
  timeout: 120_000,
}, async () => {
  const spec = jobSpec.parse({
    dataset: { source: 'shapes', trainCount: 60, testCount: 20 },
    teacher: { architecture: { type: 'lightnn' } },
    students: [{ name: 'a', architecture: { type: 'lightnn' }, method: [{ type: 'soft_target' }] }],
    training: { epochs: 1, batchSize: 32 },
  });
  const job = await runner.plan('job_noted', spec);
  const stage = job.stages.find(({ kind }) => kind === 'note');
  if (stage === undefined) throw new Error('it was not planned');
  expect(stage).toMatchObject({
    id: 'note.teacher',
    needs: ['teacher'],
    networks: [{ name: 'teacher', control: null }],
  });
  await job.run('teacher');
  await job.run('note.teacher');
  const { digest, accuracy } = job.results['note.teacher'] as z.output<typeof result>;
  expect(Buffer.from(await runner.store.read(digest)).toString()).toBe(String(accuracy));
  expect(artifactsOf(stage, { digest, accuracy })).toEqual({ blobs: [digest], shared: [] });
  expect(networksOf(stage, { digest, accuracy })).toEqual([]);
  expect(() => artifactsOf(stage, { digest })).toThrow(
    /^the result of note.teacher was written by another version/,
  );
});

test('a kind of teacher whose outputs are given teaches no student with fresh views', async () => {
  const fresh = { augmentation: { type: 'flip', views: 'fresh' } };
  const lightnn = { type: 'lightnn' };
  const student = { architecture: lightnn, method: [{ type: 'soft_target' }] };
  const refusal = async (training: object, more: object) => {
    const spec = jobSpec.parse({
      dataset: { source: 'shapes', trainCount: 60, testCount: 20 },
      teacher: { type: 'listed' },
      teachers: [{ name: 'trained', architecture: lightnn }],
      students: [
        { name: 'a', ...student, ...more },
        { name: 'b', ...student, teacher: 'trained', training: fresh },
      ],
      training,
    });
    return await planJob(spec, { cacheDir: '', roots: [] }).then(
      () => undefined,
      (error: unknown) => error,
    );
  };
  const field = {
    message:
      'needs teachers that can run in the training loop, but teacher (listed) has given outputs only; choose a number of views',
    value: 'fresh',
    allowed: { minimum: 1, maximum: 64 },
  };
  expect(await refusal(fresh, {})).toMatchObject({
    code: 'invalid_spec',
    status: 422,
    fields: [{ path: '/training/augmentation/views', ...field }],
  });
  expect(await refusal({}, { training: fresh, teacher: ['trained', 'teacher'] })).toMatchObject({
    fields: [{ path: '/students/0/training/augmentation/views', ...field }],
  });
  expect(await refusal({}, {})).toBeUndefined();
});
