import { expect, test } from 'vitest';
import { bound, thrown } from './testing/terms.ts';

/** The pairing of layers that `hidden_states` and `attention_heads` share. */

const transformer = (depth: number, { tokens = 5, width = 4, heads = 2 } = {}) =>
  Object.fromEntries([
    ...Array.from({ length: depth }, (_, i) => [
      [`attention${i + 1}`, [heads, tokens, tokens]],
      [`hidden${i + 1}`, [tokens, width]],
    ]).flat(),
    ['features', [width]],
    ['logits', [3]],
  ]) as Record<string, number[]>;

const pairs = (student: number, teacher: number, options: object = {}) => {
  const term = bound('hidden_states', options, transformer(student), transformer(teacher));
  return term.student.map((tap, i) => [tap, term.teacher[i]].join(' ').replaceAll('hidden', ''));
};

test('layer i of M learns from ⌈i·N/M⌉ of N, so the last from the last', () => {
  expect(pairs(4, 4)).toEqual(['1 1', '2 2', '3 3', '4 4']);
  // TinyBERT pairs its four layers with four of twelve.
  expect(pairs(4, 12)).toEqual(['1 3', '2 6', '3 9', '4 12']);
  expect(pairs(4, 6)).toEqual(['1 2', '2 3', '3 5', '4 6']);
  expect(pairs(4, 2)).toEqual(['1 1', '2 1', '3 2', '4 2']);
  expect(pairs(1, 3)).toEqual(['1 3']);
});

test('named layers are paired in their order, and spread over the other side', () => {
  const three = ['hidden2', 'hidden1', 'hidden3'];
  expect(pairs(3, 6, { student: three, teacher: ['hidden6', 'hidden1', 'hidden2'] })).toEqual([
    '2 6',
    '1 1',
    '3 2',
  ]);
  expect(pairs(3, 6, { student: 'hidden1' })).toEqual(['1 6']);
  expect(pairs(4, 6, { teacher: ['hidden1', 'hidden6'] })).toEqual(['2 1', '4 6']);
});

test('layers are counted as numbers: the tenth comes after the ninth', () => {
  expect(pairs(2, 11)).toEqual(['1 6', '2 11']);
});

test.each([
  [{ student: ['hidden1', 'hidden9'] }, '/student/1', 'the student has no tap "hidden9"', 'hidden9'],
  [{ teacher: 'features' }, '/teacher', "the teacher's features [4] is not [tokens, width]", 'features'],
  [{ teacher: '__proto__' }, '/teacher', 'the teacher has no tap "__proto__"', '__proto__'],
])('refuses %j', (options, path, message, value) => {
  const error = thrown(() => bound('hidden_states', options, transformer(2), transformer(2)));
  expect(error).toMatchObject({ name: 'TapError', path, message, value, allowed: ['hidden1', 'hidden2'] });
});

test('refuses lists of different lengths, networks without layers and different numbers of tokens', () => {
  const refusal = (type: string, options: object, student: object, teacher: object) =>
    thrown(() => bound(type, options, student as never, teacher as never));
  const unlike = { student: ['hidden1', 'hidden2'], teacher: ['hidden1'] };
  expect(refusal('hidden_states', unlike, transformer(2), transformer(2))).toMatchObject({
    path: '/teacher',
    message: 'the student has 2 taps and the teacher 1: name as many of one as of the other',
  });
  const image = { stage1: [8, 8, 3], logits: [3] };
  expect(refusal('attention_heads', {}, image, transformer(2))).toMatchObject({
    path: '/student',
    message: 'the student is not a transformer: it has no taps attention1, attention2… to use by default',
    allowed: ['stage1', 'logits'],
  });
  expect(refusal('hidden_states', {}, transformer(2), image)).toMatchObject({ path: '/teacher' });
  // A map has three axes as well.
  const mixed = { ...transformer(1), stage1: [2, 5, 5] };
  expect(refusal('attention_heads', { student: 'stage1' }, mixed, mixed)).toMatchObject({
    message: "the student's stage1 [2,5,5] is not [heads, tokens, tokens]",
    allowed: ['attention1'],
  });
  for (const type of ['hidden_states', 'attention_heads']) {
    const error = refusal(type, {}, transformer(1), transformer(1, { tokens: 6 }));
    expect((error as Error).message).toMatch(
      /student's .*1 \[.*\].*teacher's .*1 \[.*\] differ in the number of tokens/,
    );
  }
});
