import type { Report } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jobSpec } from '../kinds.ts';
import { StopTraining } from '../training-run.ts';
import type { MutualResult } from './mutual.ts';
import type { StudentResult } from './student.ts';
import type { TeacherResult } from './teacher.ts';
import { stageRunner } from '../testing/stages.ts';

let runner: Awaited<ReturnType<typeof stageRunner>>;
beforeAll(async () => {
  runner = await stageRunner();
});
afterAll(() => runner.remove());

const lightnn = { type: 'lightnn' };
const soft = [{ type: 'soft_target' }, { type: 'cross_entropy' }];
const student = { architecture: lightnn, method: soft };
const base = {
  dataset: { source: 'shapes', trainCount: 80, testCount: 40 },
  teacher: { architecture: lightnn },
  seeds: [3],
  training: { epochs: 2, batchSize: 32, seed: 9 },
};

/** Runs a whole job; no stage leaves a tensor behind. */
async function run(id: string, changes: object) {
  const job = await runner.plan(id, jobSpec.parse({ ...base, ...changes }));
  for (const { id: stage } of job.stages) {
    const before = tf.memory().numTensors;
    await job.run(stage);
    expect(tf.memory().numTensors, stage).toBe(before);
  }
  return { ...job, report: (job.results.report as { report: Report }).report };
}

const ids = (job: { stages: { id: string }[] }) => job.stages.map(({ id }) => id);
const byName = ({ students }: Report, name: string) => {
  const found = students.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no student ${name}`);
  return found;
};

describe('a chain', () => {
  test('leads from the teacher over an assistant to the student', { timeout: 240_000 }, async () => {
    const job = await run('job_chain', {
      seeds: [3, 4],
      students: [
        { name: 'small', ...student, teacher: 'assistant' },
        { name: 'assistant', architecture: { type: 'lightnn', dropout: 0.3 }, method: soft },
      ],
    });
    expect(ids(job)).toEqual([
      'teacher',
      'outputs',
      ...['control-lightnn', 'control-lightnn-2', 'assistant'].flatMap((name) => [
        `student.${name}.3`,
        `student.${name}.4`,
      ]),
      'outputs.assistant.3',
      'outputs.assistant.4',
      'student.small.3',
      'student.small.4',
      'report',
    ]);
    const small = byName(job.report, 'small');
    expect(small.teachers).toEqual(['assistant']);
    // Each seed learned from the assistant of its own seed, and is held against it.
    expect(job.report.outputs.map(({ teacher }) => teacher)).toEqual(['teacher', 'assistant', 'assistant']);
    const direct = await run('job_direct', { students: [{ name: 'small', ...student }], seeds: [3, 4] });
    expect(small.runs.map((one) => one.last.weights.digest)).not.toEqual(
      byName(direct.report, 'small').runs.map((one) => one.last.weights.digest),
    );
  });
});

describe('several teachers', () => {
  const teachers = [
    { name: 'second', architecture: lightnn, training: { seed: 10 }, weight: 3 },
    { name: 'deep', architecture: { type: 'lightnn', dropout: 0 }, training: { seed: 11 } },
  ];

  test('are combined by mean or best, or read by single taps', { timeout: 240_000 }, async () => {
    const job = await run('job_several', {
      teachers,
      students: [
        { name: 'mean', ...student },
        { name: 'best', ...student, combine: 'best' },
        { name: 'one', ...student, teacher: 'deep' },
        {
          name: 'maps',
          architecture: lightnn,
          teacher: ['second', 'deep'],
          method: [
            { type: 'attention', student: 'stage1', teacher: 'second/stage1' },
            { type: 'attention', student: 'stage2', teacher: 'deep/stage2' },
            { type: 'cross_entropy' },
          ],
        },
      ],
    });
    expect(job.report.teachers.map(({ name }) => name)).toEqual(['teacher', 'second', 'deep']);
    expect(byName(job.report, 'mean').teachers).toEqual(['teacher', 'second', 'deep']);
    const digests = job.report.students.map(({ runs }) => runs[0].last.weights.digest);
    expect(new Set(digests).size).toBe(digests.length);
    // Only the taps that a term reads are stored.
    expect(job.report.outputs.map(({ teacher, taps }) => [teacher, taps])).toEqual([
      ['teacher', ['logits']],
      ['second', ['logits', 'stage1']],
      ['deep', ['logits', 'stage2']],
    ]);
    expect(job.report.ensembles.map(({ name, members }) => [name, members.length])).toEqual([
      ['teacher + second + deep', 3],
      ['second + deep', 2],
    ]);
  });

  test('that are the same network give its outputs', { timeout: 240_000 }, async () => {
    const twin = { name: 'twin', architecture: lightnn };
    const twins = await run('job_twins', { teachers: [twin], students: [{ name: 'small', ...student }] });
    const alone = await run('job_alone', { students: [{ name: 'small', ...student }] });
    const accuracy = (report: Report) => byName(report, 'small').runs[0];
    expect(accuracy(twins.report).losses.soft_target).toBeCloseTo(
      accuracy(alone.report).losses.soft_target,
      5,
    );
    expect(accuracy(twins.report).best.agreement).toBe(accuracy(alone.report).best.agreement);
  });

  test('leave it to the method to say whose features are meant', async () => {
    const method = [{ type: 'hint' }, { type: 'cross_entropy' }];
    const planned = runner.plan(
      'job_unsaid',
      jobSpec.parse({ ...base, teachers, students: [{ name: 'a', architecture: lightnn, method }] }),
    );
    await expect(planned).rejects.toMatchObject({
      code: 'invalid_spec',
      fields: [
        {
          path: '/students/0/method/0/teacher',
          message: 'the teacher has no map to use by default',
          allowed: expect.arrayContaining(['logits', 'second/stage1', 'deep/stage2']),
        },
      ],
    });
  });
});

describe('a teacher with data of its own', () => {
  test("is mapped to the job's classes, or refused", { timeout: 240_000 }, async () => {
    const job = await runner.plan(
      'job_abroad',
      jobSpec.parse({ ...base, students: [{ name: 'small', ...student }] }),
    );
    await job.run('teacher');
    const { classes } = (job.results.teacher as TeacherResult).dataset;
    const teacher = {
      architecture: lightnn,
      dataset: { source: 'shapes', trainCount: 150, testCount: 50, seed: 5 },
    };
    // Every class is mapped to the next one, so that the teacher misleads its students.
    const turned = Object.fromEntries(classes.map((name, i) => [name, classes[(i + 1) % classes.length]]));
    const students = [{ name: 'small', ...student }];
    const plain = await run('job_plain', { teacher, students });
    const mapped = await run('job_mapped', { teacher: { ...teacher, classMap: turned }, students });
    const own = await run('job_own', { students });
    const [a, b, c] = [plain, mapped, own].map(({ report }) => report);
    // One teacher for both, trained on its own data.
    expect(b.teachers[0]).toMatchObject({ reused: true, initialWeights: a.teachers[0].initialWeights });
    expect(a.teachers[0].last.weights.digest).not.toBe(c.teachers[0].last.weights.digest);
    expect(a.dataset).toEqual(c.dataset);
    const teacherSaid = (report: Report) => byName(report, 'small').runs[0].best.agreement;
    expect(teacherSaid(a)).not.toBe(teacherSaid(b));
    expect(byName(a, 'small').runs[0].last.weights.digest).not.toBe(
      byName(b, 'small').runs[0].last.weights.digest,
    );

    const { [classes[0]]: _, ...partly } = turned;
    const refusal = runner.plan(
      'job_partly',
      jobSpec.parse({ ...base, teacher: { ...teacher, classMap: partly }, students }),
    );
    await expect(refusal).rejects.toMatchObject({
      code: 'invalid_spec',
      fields: [{ path: `/teacher/classMap/${classes[0]}`, allowed: classes }],
    });
  });
});

describe('born again', () => {
  test('each generation learns from the one before', { timeout: 240_000 }, async () => {
    const job = await run('job_again', {
      procedure: 'born_again',
      generations: 3,
      students: [{ name: 'net', ...student }],
    });
    expect(ids(job)).toEqual([
      'teacher',
      'outputs',
      'student.control.3',
      'student.net-1.3',
      'outputs.net-1.3',
      'student.net-2.3',
      'outputs.net-2.3',
      'student.net-3.3',
      'report',
    ]);
    expect(job.report.students.map(({ name, teachers }) => [name, teachers])).toEqual([
      ['control', []],
      ['net-1', ['teacher']],
      ['net-2', ['net-1']],
      ['net-3', ['net-2']],
    ]);
    const [ensemble] = job.report.ensembles;
    expect(ensemble).toMatchObject({ name: 'net', members: ['net-1', 'net-2', 'net-3'] });
    const alone = job.report.students.slice(1).map(({ testAccuracy }) => testAccuracy.best.mean);
    expect(ensemble.testAccuracy.mean).toBeGreaterThanOrEqual(Math.min(...alone));
  });
});

describe('peers', () => {
  const peers = {
    teacher: undefined,
    procedure: 'mutual',
    students: [
      { name: 'a', ...student },
      {
        name: 'b',
        architecture: { type: 'lightnn', dropout: 0.2 },
        method: [{ type: 'hint', weight: 'auto' }, ...soft],
      },
      { name: 'c', architecture: lightnn, method: [{ type: 'cross_entropy' }] },
    ],
    training: { ...base.training, gradientClip: 1 },
  };

  test('train together and teach each other', { timeout: 240_000 }, async () => {
    const job = await run('job_peers', peers);
    expect(ids(job)).toEqual([
      'student.control-lightnn.3',
      'student.control-lightnn-2.3',
      'mutual.3',
      'report',
    ]);
    const { report } = job;
    expect(report.teachers).toEqual([]);
    const [a, b, c] = ['a', 'b', 'c'].map((name) => byName(report, name).runs[0]);
    // A share for each other peer; cross-entropy once.
    expect(a.terms.map(({ name }) => name)).toEqual(['soft_target/b', 'soft_target/c', 'cross_entropy']);
    expect(Object.keys(b.losses)).toEqual([
      'hint/a',
      'hint/c',
      'soft_target/a',
      'soft_target/c',
      'cross_entropy',
    ]);
    expect(a.last.agreement).toBeNull();
    // The first begins as its control does; another of the same architecture does not.
    const control = byName(report, byName(report, 'a').control ?? '').runs[0];
    expect(a.initialWeights).toBe(control.initialWeights);
    expect(c.initialWeights).not.toBe(control.initialWeights);
    expect(report.ensembles).toMatchObject([{ name: 'peers', members: ['a', 'b', 'c'] }]);
    expect(await runner.store.list('jobs/job_peers')).toEqual([]);
  });

  test('one without a teacher term ends as its control does', { timeout: 240_000 }, async () => {
    // Dropout too: the first draws its masks with the job's seed, as its control does.
    const dropping = { type: 'lightnn', dropout: 0.3 };
    const spec = jobSpec.parse({
      ...base,
      ...peers,
      students: [
        { name: 'a', architecture: dropping, method: [{ type: 'cross_entropy' }] },
        { name: 'b', architecture: dropping, method: soft },
      ],
    });
    const job = await runner.plan('job_apart', spec);
    await job.run('mutual.3');
    await job.run('student.control.3');
    const { a, b } = (job.results['mutual.3'] as MutualResult).results;
    const { result: control } = job.results['student.control.3'] as StudentResult;
    expect(a.last.weights.digest).toBe(control.last.weights.digest);
    expect(b.last.weights.digest).not.toBe(control.last.weights.digest);
  });

  test('that were stopped and resumed end with the same bytes', { timeout: 240_000 }, async () => {
    const spec = jobSpec.parse({ ...base, ...peers });
    const whole = await runner.plan('job_whole', spec);
    await whole.run('mutual.3');
    const cut = await runner.plan('job_cut', spec);
    let pauses = 0;
    const stopped = cut.run('mutual.3', async () => {
      if (++pauses >= 3) throw new StopTraining('stop');
    });
    await expect(stopped).rejects.toBeInstanceOf(StopTraining);
    await cut.run('mutual.3');
    const digests = (job: typeof whole) =>
      Object.values((job.results['mutual.3'] as MutualResult).results).map(({ best, last }) => [
        best.weights.digest,
        last.weights.digest,
      ]);
    expect(digests(cut)).toEqual(digests(whole));
  });

  test('have one training', async () => {
    const students = [peers.students[0], { ...peers.students[1], training: { epochs: 5 } }];
    const planned = runner.plan('job_unequal', jobSpec.parse({ ...base, ...peers, students }));
    await expect(planned).rejects.toMatchObject({
      code: 'invalid_spec',
      fields: [
        {
          path: '/students/1/training',
          message: 'must equal the training of a, because they train together',
        },
      ],
    });
  });
});
