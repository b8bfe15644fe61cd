import { expect, test } from 'vitest';
import { TapError } from './index.ts';
import { tapPair } from './taps.ts';
import { thrown } from './testing.ts';

const student = { stage1: [16, 16, 8], stage2: [8, 8, 16], features: [32], logits: [10] };
const teacher = { stage1: [16, 16, 64], last: [4, 4, 128], logits: [10] };

test('takes the last maps by default', () => {
  expect(tapPair({}, student, teacher)).toEqual({ student: 'stage2', teacher: 'last' });
});

test('takes the taps that are named', () => {
  expect(tapPair({ student: 'features', teacher: 'logits' }, student, teacher)).toEqual({
    student: 'features',
    teacher: 'logits',
  });
});

// A name that every object has is none of its taps.
test.each(['stage3', 'constructor', '__proto__', ''])(
  'refuses the unknown tap %j and lists those there are',
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

test('says so when there is no map to take', () => {
  expect(thrown(() => tapPair({}, { logits: [10] }, teacher))).toMatchObject({
    name: 'TapError',
    path: '/student',
    value: undefined,
    allowed: ['logits'],
    message: 'the student has no map to take by default',
  });
});
