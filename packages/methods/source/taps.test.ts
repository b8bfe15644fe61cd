import { expect, test } from 'vitest';
import { TapError } from './index.ts';
import { mapPair, mapPairs, preActivationPairs, tapPair, vectorPair } from './taps.ts';
import { thrown } from './testing/terms.ts';

const student = { stage1: [16, 16, 8], stage2: [8, 8, 16], features: [32], logits: [10] };
const teacher = { stage1: [16, 16, 64], last: [4, 4, 128], logits: [10] };

test('uses the last maps by default', () => {
  expect(tapPair({}, student, teacher)).toEqual({ student: 'stage2', teacher: 'last' });
});

test('uses the taps that are named', () => {
  expect(tapPair({ student: 'features', teacher: 'logits' }, student, teacher)).toEqual({
    student: 'features',
    teacher: 'logits',
  });
});

// Names of properties that every object inherits are not taps.
test.each(['stage3', 'constructor', '__proto__', ''])(
  'refuses the unknown tap %j and lists the existing ones',
  (name) => {
    const error = thrown(() => tapPair({ teacher: name }, student, teacher));
    expect(error).toBeInstanceOf(TapError);
    expect(error).toMatchObject({
      path: '/teacher',
      value: name,
      allowed: ['stage1', 'last', 'logits'],
      message: `the teacher has no tap ${JSON.stringify(name)}`,
    });
  },
);

test('refuses a network without maps', () => {
  expect(thrown(() => tapPair({}, { logits: [10] }, teacher))).toMatchObject({
    name: 'TapError',
    path: '/student',
    value: undefined,
    allowed: ['logits'],
    message: 'the student has no map to use by default',
  });
});

test('pairs of maps: the first of both, or the last, as many as one side names', () => {
  const three = { ...teacher, top: [2, 2, 256] };
  expect(mapPairs({}, student, three)).toEqual([
    { student: 'stage1', teacher: 'stage1' },
    { student: 'stage2', teacher: 'last' },
  ]);
  expect(mapPairs({ student: ['stage1', 'stage2'] }, student, three)).toEqual([
    { student: 'stage1', teacher: 'last' },
    { student: 'stage2', teacher: 'top' },
  ]);
  expect(mapPairs({ teacher: 'stage1' }, student, three)).toEqual([{ student: 'stage2', teacher: 'stage1' }]);
  expect(mapPairs({ student: ['stage2', 'stage2'], teacher: ['top', 'stage1'] }, student, three)).toEqual([
    { student: 'stage2', teacher: 'top' },
    { student: 'stage2', teacher: 'stage1' },
  ]);
});

test.each([
  [
    { student: ['stage1', 'none'] },
    { path: '/student/1', value: 'none', allowed: Object.keys(student), message: /no tap "none"/ },
  ],
  [
    { student: ['stage1', 'features'] },
    {
      path: '/student/1',
      value: 'features',
      allowed: ['stage1', 'stage2'],
      message: /student's features \[32\].*teacher's last \[4,4,128\], is not a map/,
    },
  ],
  [
    { teacher: 'logits' },
    {
      path: '/teacher',
      value: 'logits',
      allowed: ['stage1', 'last'],
      message: /teacher's logits \[10\].*student's stage2 \[8,8,16\]/,
    },
  ],
  [
    { student: ['stage1', 'stage2'], teacher: 'last' },
    {
      path: '/teacher',
      value: 'last',
      message:
        /2 maps, stage1 \[16,16,8\], stage2 \[8,8,16\], and the teacher 1, last \[4,4,128\]: name as many/,
    },
  ],
  [
    { student: ['stage1', 'stage1', 'stage2'] },
    {
      path: '/teacher',
      value: undefined,
      message: /only the maps stage1 \[16,16,64\], last \[4,4,128\] to use by default, and 3 are needed/,
    },
  ],
])('refuses %j for pairs of maps', (options, { message, ...expected }) => {
  const error = thrown(() => mapPairs(options, student, teacher));
  expect(error).toMatchObject({ name: 'TapError', ...expected });
  expect((error as Error).message).toMatch(message);
});

test('refuses pairs of maps where there is no map', () => {
  expect(thrown(() => mapPairs({}, student, { logits: [10] }))).toMatchObject({
    path: '/teacher',
    allowed: ['logits'],
    message: 'the teacher has no map to use by default',
  });
});

test('maps before the activation are used only where they are requested', () => {
  const both = {
    stage1_pre: [8, 8, 4],
    stage1: [8, 8, 4],
    stage2_pre: [4, 4, 4],
    stage2: [4, 4, 4],
    top_pre: [9],
  };
  expect(tapPair({}, both, teacher)).toEqual({ student: 'stage2', teacher: 'last' });
  expect(mapPairs({}, both, both).map((pair) => pair.student)).toEqual(['stage1', 'stage2']);
  expect(mapPairs({ student: 'stage1_pre' }, both, both)).toEqual([
    { student: 'stage1_pre', teacher: 'stage2' },
  ]);
  expect(preActivationPairs({}, both, both).map((pair) => pair.teacher)).toEqual([
    'stage1_pre',
    'stage2_pre',
  ]);
  // The other network has no such maps.
  expect(preActivationPairs({}, both, student).map((pair) => pair.student)).toEqual(['stage1', 'stage2']);
  expect(preActivationPairs({ teacher: 'stage1' }, both, both)).toEqual([
    { student: 'stage2_pre', teacher: 'stage1' },
  ]);
});

test('one pair of maps: the last by default, vectors refused', () => {
  expect(mapPair({}, student, teacher)).toEqual({ student: 'stage2', teacher: 'last' });
  expect(thrown(() => mapPair({ student: 'features' }, student, teacher))).toMatchObject({
    path: '/student',
    value: 'features',
    allowed: ['stage1', 'stage2'],
  });
});

test('attention scores are not maps, neither by default nor by name', () => {
  const taps = { hidden1: [17, 8], attention1: [2, 17, 17], features: [8] };
  expect(thrown(() => tapPair({}, taps, teacher))).toMatchObject({
    message: 'the student has no map to use by default',
  });
  expect(mapPair({}, { stage1: [4, 4, 2], ...taps }, teacher)).toEqual({
    student: 'stage1',
    teacher: 'last',
  });
  expect(thrown(() => mapPairs({ student: 'attention1' }, taps, teacher))).toMatchObject({
    path: '/student',
    message: expect.stringMatching(/attention1 \[2,17,17\].* is not a map/) as string,
    allowed: [],
  });
});

test('vectors: features by default, maps refused', () => {
  expect(vectorPair({ teacher: 'logits' }, student, teacher)).toEqual({
    student: 'features',
    teacher: 'logits',
  });
  expect(thrown(() => vectorPair({}, student, teacher))).toMatchObject({
    path: '/teacher',
    value: undefined,
    message: 'the teacher has no features to use by default',
  });
  expect(thrown(() => vectorPair({ teacher: 'last' }, student, teacher))).toMatchObject({
    path: '/teacher',
    value: 'last',
    allowed: ['logits'],
    message: "the teacher's last [4,4,128], to be compared with the student's features [32], is not a vector",
  });
});
