import { tmpdir } from 'node:os';
import type { Choice } from '@distillery/spec';
import { describe, expect, test } from 'vitest';
import { jobSpec } from '../kinds.ts';
import { planJob } from './plan.ts';
import { planNetworks } from './plan-networks.ts';
import { planSchema } from '@distillery/spec';

const context = { cacheDir: tmpdir(), roots: [], gigaflops: 100 };
const spec = {
  dataset: { source: 'shapes', trainCount: 1000, testCount: 100 },
  teacher: { architecture: { type: 'deepnn' } },
  students: [
    {
      name: 'soft',
      architecture: { type: 'lightnn' },
      method: [{ type: 'soft_target' }, { type: 'cross_entropy' }],
    },
    {
      name: 'hint',
      architecture: { type: 'lightnn' },
      method: [{ type: 'hint' }, { type: 'cross_entropy' }],
    },
  ],
  seeds: [1, 2],
};
const planOf = (changes: object = {}) => planJob(jobSpec.parse({ ...spec, ...changes }), context);

async function refusal(changes: object) {
  const error = await planOf(changes).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: 'invalid_spec' });
  return (error as { fields: unknown[] }).fields;
}

test('bfloat16 is refused, naming each field, where no worker has it', async () => {
  const changes = {
    training: { precision: 'bfloat16' },
    students: [{ ...spec.students[0], training: { precision: 'bfloat16' } }, spec.students[1]],
  };
  await expect(planOf(changes)).resolves.toBeDefined();
  const refused = planJob(jobSpec.parse({ ...spec, ...changes }), {
    ...context,
    bfloat16Refusal: 'the processor is old',
  });
  await expect(refused).rejects.toMatchObject({
    code: 'invalid_spec',
    fields: ['/training/precision', '/students/0/training/precision'].map((path) => ({
      path,
      message: 'is not supported by any worker: the processor is old',
      value: 'bfloat16',
      allowed: ['float32'],
    })),
  });
});

test('a job that asks for more than one may is refused, by field', async () => {
  const bounds = {
    stages: 100,
    peerTerms: 1,
    parameters: 1e6,
    memoryBytes: 1,
    outputsBytes: 1e9,
    work: 1e30,
  };
  const refused = planJob(jobSpec.parse(spec), { ...context, bounds });
  await expect(refused).rejects.toMatchObject({
    code: 'invalid_spec',
    fields: [
      { path: '/teacher/architecture', value: 1_186_986, allowed: { maximum: 1e6 } },
      { path: '/training/batchSize', allowed: { maximum: 1 } },
    ],
  });
  const wide = { type: 'mlp', hidden: Array.from({ length: 8 }, () => 16_384) };
  expect(await refusal({ teacher: { architecture: wide }, students: [spec.students[0]] })).toContainEqual(
    expect.objectContaining({ path: '/teacher/architecture', allowed: { maximum: 1e9 } }),
  );
});

describe('a plan', () => {
  test('counts the parameters of the tutorial', async () => {
    const { plan } = await planOf();
    expect(plan.teachers[0].parameters).toBe(1_186_986);
    expect(plan.students.map(({ parameters }) => parameters)).toEqual([267_738, 267_738, 267_738]);
    expect(plan.teachers[0].taps.stage2).toEqual([8, 8, 32]);
  });

  test('lists stages in an order that respects their needs', async () => {
    const {
      resolved: { stages },
    } = await planOf();
    expect(stages.map(({ id }) => id)).toEqual([
      'teacher',
      'outputs',
      ...['control', 'soft', 'hint'].flatMap((name) => [`student.${name}.1`, `student.${name}.2`]),
      'report',
    ]);
    stages.forEach(({ needs }, index) => {
      const before = stages.slice(0, index).map(({ id }) => id);
      expect(needs.every((need) => before.includes(need))).toBe(true);
    });
    expect(stages.at(-1)?.needs.toSorted()).toEqual(
      stages
        .slice(0, -1)
        .map(({ id }) => id)
        .sort(),
    );
  });

  test('reports the projector that a term trains', async () => {
    const { plan } = await planOf();
    const [hint] = plan.students[2].terms;
    expect(hint.projectors).toEqual([
      { name: 'regressor', from: [8, 8, 16], to: [8, 8, 32], parameters: 3 * 3 * 16 * 32 + 32 },
    ]);
  });

  test('shows weights as they were given', async () => {
    const weight = { schedule: 'linear', from: 0, to: 1, epochs: 20 };
    const method = [
      { type: 'decoupled', weight },
      { type: 'cosine', weight: 'auto' },
      { type: 'cross_entropy' },
    ];
    const { plan } = await planOf({ students: [{ ...spec.students[0], method }] });
    expect(plan.students[1].terms.map((term) => term.weight)).toEqual([weight, 'auto', 1]);
    expect(planSchema.parse(plan)).toEqual(plan);
  });

  test('estimates the stored outputs by their types', async () => {
    const { plan } = await planOf();
    // 900 training images: 10 logits in float32 and a map of 8×8×32 in float16.
    expect(plan.estimate.outputsBytes).toBe(900 * (10 * 4 + 2048 * 2));
  });

  test('holds each different training against a control of its own', async () => {
    const longer = { ...spec.students[1], name: 'longer', training: { epochs: 20 } };
    const { plan } = await planOf({ students: [...spec.students, longer] });
    expect(plan.students.map(({ name, control }) => [name, control])).toEqual([
      ['control-lightnn', null],
      ['control-lightnn-2', null],
      ['soft', 'control-lightnn'],
      ['hint', 'control-lightnn'],
      ['longer', 'control-lightnn-2'],
    ]);
  });

  test('adds no control without a baseline', async () => {
    const { plan } = await planOf({ baseline: false });
    expect(plan.students.map(({ name, control }) => [name, control])).toEqual([
      ['soft', null],
      ['hint', null],
    ]);
  });
});

describe('a plan is refused', () => {
  const student = (method: object[]) => ({ students: [{ ...spec.students[0], method }] });

  test('for a tap that the network does not have', async () => {
    const fields = await refusal(student([{ type: 'cross_entropy' }, { type: 'hint', student: 'stage9' }]));
    expect(fields).toEqual([
      {
        path: '/students/0/method/1/student',
        message: 'the student has no tap "stage9"',
        value: 'stage9',
        allowed: ['stage1', 'stage2', 'features', 'logits', 'input_gradient'],
      },
    ]);
  });

  test('for a map and a vector that a regressor cannot bring together, naming both shapes', async () => {
    const fields = await refusal(student([{ type: 'hint', student: 'stage1', teacher: 'features' }]));
    expect(fields).toMatchObject([
      {
        path: '/students/0/method/0/student',
        message: expect.stringMatching(/stage1 \[16,16,16\].*features \[\d+\]/),
      },
    ]);
  });

  test('for BatchNorm on one sample at a time, where the batch size is given', async () => {
    const resnet = { type: 'resnet', depth: 8 };
    expect(await refusal({ training: { batchSize: 1 }, teacher: { architecture: resnet } })).toMatchObject([
      { path: '/training/batchSize', value: 1, message: expect.stringContaining('BatchNorm of /teacher,') },
    ]);
    const one = { ...spec.students[0], architecture: resnet, training: { batchSize: 1 } };
    expect(await refusal({ students: [one] })).toMatchObject([
      {
        path: '/students/0/training/batchSize',
        message: expect.stringContaining('BatchNorm of /students/0,'),
      },
    ]);
  });

  test('for Nesterov without momentum', async () => {
    const fields = await refusal({ training: { optimizer: { type: 'sgd', nesterov: true } } });
    expect(fields).toMatchObject([{ path: '/training/optimizer/nesterov' }]);
  });
});

test('the generations of a student share the network and the method that were computed once', async () => {
  const generations = 16;
  const parsed = jobSpec.parse({ ...spec, procedure: 'born_again', generations });
  const subject = { shape: [32, 32, 3], classes: ['a', 'b'] };
  const teachers = { teacher: { architecture: parsed.teacher?.architecture as Choice } };
  const { students } = planNetworks(parsed, { job: subject, teachers });
  const ofSoft = students.filter(({ student }) => student.index === 0);
  expect(ofSoft.map(({ student }) => student.name)).toEqual(
    Array.from({ length: generations }, (_, index) => `soft-${index + 1}`),
  );
  expect(new Set(students.map(({ plan }) => plan)).size).toBe(1);
  // The first generation is bound to the teacher, all others to the generation before.
  expect(new Set(ofSoft.map(({ method }) => method)).size).toBe(2);
});

test('an augmentation costs its views in stored outputs, or its epochs with the teacher in the loop', async () => {
  const augmentation = (views: number | 'fresh', ...types: string[]) => ({
    augmentation: { transforms: types.map((type) => ({ type })), views },
  });
  const soft = (name: string, training: object) => ({ ...spec.students[0], name, training });
  const { plan } = await planOf({
    baseline: false,
    students: [
      soft('plain', {}),
      soft('few', augmentation(2, 'flip')),
      soft('more', augmentation(4, 'flip')),
      soft('fresh', augmentation('fresh', 'crop', 'mixup')),
    ],
    training: { epochs: 5 },
  });
  const forward = plan.teachers[0].flops;
  const [plain, few, more, fresh] = plan.augmentations;
  expect(plan.augmentations.map((one) => [one.augmentation, one.students, one.views, one.inputs])).toEqual([
    ['none', ['plain'], 1, 1],
    ['flip', ['few'], 2, 1],
    ['flip', ['more'], 4, 1],
    ['crop+mixup', ['fresh'], 'fresh', 2],
  ]);
  // 900 training samples, 10 logits as float32.
  expect([plain, few, more, fresh].map(({ outputsBytes }) => outputsBytes / 900 / 40)).toEqual([1, 2, 4, 0]);
  expect(few.outputsWork).toBeCloseTo(2 * plain.outputsWork, 0);
  expect(more.outputsWork).toBeCloseTo(4 * plain.outputsWork, 0);
  expect(plain.outputsWork).toBeGreaterThan(900 * forward);
  expect([plain, few, more].map(({ teachingWork }) => teachingWork)).toEqual([0, 0, 0]);
  // Five epochs of two seeds.
  expect(fresh.teachingWork).toBeCloseTo(5 * 2 * plain.outputsWork, 0);
  // Both numbers of views are stored once, as the larger one.
  expect(plan.estimate.outputsBytes).toBe(900 * 40 * 5);
});
