import { expect, test } from 'vitest';
import { z } from 'zod';
import { jobSpecSchema, validationOf } from './job-spec.ts';
import { type Kind, registry } from './kind.ts';
import { fieldErrors } from './problem.ts';
import { trainingSchemas } from './training.ts';

const kind = (type: string, options: z.ZodObject = z.strictObject({})): Kind => ({
  type,
  summary: type,
  options,
});
const datasets = registry(
  [kind('pictures', z.strictObject({ count: z.number().int().default(100) }))],
  'source',
);
const architectures = registry([
  kind('large', z.strictObject({ width: z.number().min(1).default(64) })),
  kind('small'),
]);
const transforms = registry([
  kind('turn', z.strictObject({ degrees: z.number().default(30) })),
  kind('flip'),
  kind('mix'),
]);
const trained = z.strictObject({
  architecture: architectures.schema,
  training: trainingSchemas(transforms).override.default({}),
  dataset: datasets.schema.optional(),
});
const found = z.strictObject({ file: z.string() });
const schema = jobSpecSchema({
  datasets,
  architectures,
  transforms,
  teachers: registry([kind('trained', trained), kind('found', found)], 'type', () => ({}), 'trained'),
  terms: registry([
    kind('labels', z.strictObject({ weight: z.number().default(1) })),
    kind('imitate', z.strictObject({ weight: z.number().default(1), temperature: z.number().positive() })),
  ]),
});

const student = { name: 'tiny', architecture: { type: 'small' }, method: [{ type: 'labels' }] };
const minimal = {
  dataset: { source: 'pictures' },
  teacher: { architecture: { type: 'large' } },
  students: [student],
};

/** The refusal of a spec; fails when it is accepted. */
function refusals(spec: unknown) {
  const { error } = schema.safeParse(spec);
  expect(error, 'the spec was accepted').toBeDefined();
  return fieldErrors(error as z.ZodError, spec);
}

test('fills in every default', () => {
  expect(schema.parse(minimal)).toEqual({
    labels: {},
    dataset: { source: 'pictures', count: 100 },
    procedure: 'offline',
    teacher: { architecture: { type: 'large', width: 64 }, training: {} },
    teachers: [],
    students: [
      {
        name: 'tiny',
        architecture: { type: 'small' },
        method: [{ type: 'labels', weight: 1 }],
        training: {},
        combine: 'mean',
      },
    ],
    baseline: true,
    seeds: [42],
    training: {
      epochs: 10,
      batchSize: 128,
      optimizer: {
        type: 'adam',
        learningRate: 1e-3,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weightDecay: 0,
      },
      schedule: { type: 'constant', warmupEpochs: 0 },
      gradientClip: null,
      augmentation: { type: 'none', seed: 0, views: 4 },
      precision: 'float32',
      seed: 42,
    },
    validation: 0.1,
    priority: 0,
    checkpoints: { everySeconds: 60, keep: 2 },
    limits: {},
  });
});

test("a parsed spec parses to itself, so that it can be stored and read again by today's schema", () => {
  const parsed = schema.parse(minimal);
  expect(schema.parse(parsed)).toEqual(parsed);
});

test('transforms have their defaults, and a spec without any has no such field', () => {
  const transforms = [{ type: 'turn' }, { type: 'flip' }];
  const { training } = schema.parse({ ...minimal, training: { augmentation: { transforms } } });
  expect(training.augmentation).toEqual({
    type: 'none',
    transforms: [{ type: 'turn', degrees: 30 }, { type: 'flip' }],
    seed: 0,
    views: 4,
  });
  expect(schema.parse(minimal).training.augmentation).not.toHaveProperty('transforms');
});

test('an override holds only the fields that were given', () => {
  const spec = schema.parse({
    ...minimal,
    teacher: { ...minimal.teacher, training: { epochs: 3, optimizer: { type: 'sgd' } } },
  });
  expect(spec.teacher?.training).toEqual({
    epochs: 3,
    optimizer: { type: 'sgd', learningRate: 0.1, momentum: 0, nesterov: false, weightDecay: 0 },
  });
});

test('a teacher without a type is a trained one; of another kind it has the options of that kind', () => {
  expect(schema.parse(minimal).teacher).not.toHaveProperty('type');
  const explicit = { ...minimal, teacher: { type: 'trained', architecture: { type: 'large' } } };
  expect(schema.parse(explicit).teacher).toMatchObject({ type: 'trained', training: {} });
  const other = { ...minimal, teacher: { type: 'found', file: 'a', classMap: { cat: 'Katze' } } };
  expect(schema.parse(other).teacher).toEqual(other.teacher);
  const [refused] = refusals({ ...minimal, teacher: { ...other.teacher, architecture: { type: 'large' } } });
  expect(refused).toMatchObject({ path: '/teacher/architecture', message: 'is not an option here' });
  expect(refusals({ ...minimal, teacher: { type: 'lost' } })).toMatchObject([
    { path: '/teacher/type', allowed: ['trained', 'found'] },
  ]);
});

test('validation has a short and a long form', () => {
  expect(validationOf(schema.parse({ ...minimal, validation: 0.2 }))).toEqual({ fraction: 0.2, seed: 0 });
  expect(validationOf(schema.parse({ ...minimal, validation: { seed: 7 } }))).toEqual({
    fraction: 0.1,
    seed: 7,
  });
});

test('the whole schema is expressible as JSON Schema', () => {
  expect(z.toJSONSchema(schema, { io: 'input' })).toMatchObject({
    required: ['dataset', 'students'],
    additionalProperties: false,
  });
});

test.each<[string, object, object]>([
  [
    'a number that is too large',
    { training: { epochs: 10_001 } },
    { path: '/training/epochs', value: 10_001, allowed: { maximum: 10_000 } },
  ],
  [
    'a number that must be above its bound',
    { training: { gradientClip: 0 } },
    { path: '/training/gradientClip', value: 0, allowed: { exclusiveMinimum: 0 } },
  ],
  [
    'a word of a closed list',
    { training: { augmentation: { type: 'mixup' } } },
    { path: '/training/augmentation/type', value: 'mixup', allowed: ['none', 'flip', 'crop_flip'] },
  ],
  [
    'an unknown transform',
    { training: { augmentation: { transforms: [{ type: 'turn' }, { type: 'shear' }] } } },
    { path: '/training/augmentation/transforms/1/type', value: 'shear', allowed: ['turn', 'flip', 'mix'] },
  ],
  [
    'transforms beside a word',
    { training: { augmentation: { type: 'flip', transforms: [{ type: 'turn' }] } } },
    {
      path: '/training/augmentation/transforms',
      message:
        'cannot be given beside "type": "flip"; add {"type": "flip"} to the list and leave out the type',
    },
  ],
  [
    'an unknown kind',
    { teacher: { architecture: { type: 'huge' } } },
    { path: '/teacher/architecture/type', value: 'huge', allowed: ['large', 'small'] },
  ],
  [
    'a kind that is not named',
    { dataset: {} },
    { path: '/dataset/source', message: 'must be one of: pictures', allowed: ['pictures'] },
  ],
  [
    'an unknown optimizer',
    { training: { optimizer: { type: 'lion' } } },
    { path: '/training/optimizer/type', value: 'lion', allowed: ['adam', 'adamw', 'sgd'] },
  ],
  [
    'an unknown key at the top',
    { epochs: 3 },
    { path: '/epochs', value: 3, message: 'is not an option here' },
  ],
  [
    "another kind's option",
    { teacher: { architecture: { type: 'small', width: 3 } } },
    { path: '/teacher/architecture/width', value: 3, message: 'is not an option here' },
  ],
  [
    'a field of a union that is out of bounds',
    { validation: { fraction: 0.9 } },
    { path: '/validation/fraction', value: 0.9, allowed: { maximum: 0.5 } },
  ],
  [
    'a field of a union of the wrong type',
    { validation: { fraction: 'half' } },
    { path: '/validation/fraction', value: 'half', message: expect.stringContaining('expected number') },
  ],
  [
    'a value that fits no branch of a union',
    { validation: 'none' },
    { path: '/validation', value: 'none', message: 'Invalid input: expected number or object' },
  ],
  ['an empty list', { students: [] }, { path: '/students', value: [], allowed: { minItems: 1 } }],
  ['a text that is too short', { name: '' }, { path: '/name', value: '', allowed: { minLength: 1 } }],
  [
    'two equal seeds',
    { seeds: [1, 2, 1] },
    { path: '/seeds', value: [1, 2, 1], message: 'must differ from each other' },
  ],
  [
    'two students of one name',
    { students: [student, student] },
    {
      path: '/students/1/name',
      value: 'tiny',
      message: 'is the name of an earlier entry; names must differ',
    },
  ],
  [
    'the name of the control',
    { students: [{ ...student, name: 'control' }] },
    { path: '/students/0/name', value: 'control', message: expect.stringContaining('is reserved') },
  ],
  [
    'a name of the controls',
    { students: [{ ...student, name: 'control-tiny' }] },
    { path: '/students/0/name', value: 'control-tiny' },
  ],
  [
    'a name that would not stand in a URL',
    { students: [{ ...student, name: 'Tiny/1' }] },
    { path: '/students/0/name', value: 'Tiny/1' },
  ],
  [
    'a label key with a space',
    { labels: { 'a b': 'x' } },
    { path: '/labels/a b', message: expect.stringContaining('key') },
  ],
  ['a fraction where a whole number belongs', { seeds: [0.5] }, { path: '/seeds/0', value: 0.5 }],
])('refuses %s and says where', (_what, change, refusal) => {
  expect(refusals({ ...minimal, ...change })).toEqual([expect.objectContaining(refusal)]);
});

test('a missing option is named as missing and has no value', () => {
  const students = [{ ...student, method: [{ type: 'imitate' }] }];
  const [refusal] = refusals({ ...minimal, students });
  expect(refusal).toEqual({
    path: '/students/0/method/0/temperature',
    message: expect.stringMatching(/expected number, it is missing$/),
  });
});

test('every bad field is named at once', () => {
  const spec = { ...minimal, colour: 1, seeds: [-1], students: [{ ...student, method: [] }] };
  expect(
    refusals(spec)
      .map(({ path }) => path)
      .sort(),
  ).toEqual(['/colour', '/seeds/0', '/students/0/method']);
});

test('controlled and controls are ordinary names', () => {
  for (const name of ['controlled', 'a-control', 'control2']) {
    expect(schema.safeParse({ ...minimal, students: [{ ...student, name }] }).success).toBe(true);
  }
});

test('names and labels are one line of visible text', () => {
  expect(
    schema.safeParse({ ...minimal, name: 'Füße – 模型 👩‍🔬', labels: { team: 'naïve 模' } }).success,
  ).toBe(true);
  for (const text of ['a\nb', 'a\u0000', '\u001b[31mred', 'a\u007f', 'a\u0085', 'a\u2028b', 'a\u202egnp.b']) {
    const message = 'must not contain control characters';
    expect(refusals({ ...minimal, name: text })).toEqual([{ path: '/name', value: text, message }]);
    expect(refusals({ ...minimal, labels: { team: text } })).toEqual([
      { path: '/labels/team', value: text, message },
    ]);
  }
});
