import { expect, test } from 'vitest';
import { bound, thrown } from './testing/terms.ts';

/** Which layers follow which: what `hidden_states` and `attention_heads` share. */

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

test('layer i of M follows i·N/M of N, rounded up: the last the last', () => {
  expect(pairs(4, 4)).toEqual(['1 1', '2 2', '3 3', '4 4']);
  // TinyBERT's four of twelve.
  expect(pairs(4, 12)).toEqual(['1 3', '2 6', '3 9', '4 12']);
  expect(pairs(4, 6)).toEqual(['1 2', '2 3', '3 5', '4 6']);
  expect(pairs(4, 2)).toEqual(['1 1', '2 1', '3 2', '4 2']);
  expect(pairs(1, 3)).toEqual(['1 3']);
});

test('layers that are named are paired in their order, and spread over the other side', () => {
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

test('refuses lists of unlike length, and networks without layers or with other tokens', () => {
  const refusal = (type: string, options: object, student: object, teacher: object) =>
    thrown(() => bound(type, options, student as never, teacher as never));
  const unlike = { student: ['hidden1', 'hidden2'], teacher: ['hidden1'] };
  expect(refusal('hidden_states', unlike, transformer(2), transformer(2))).toMatchObject({
    path: '/teacher',
    message: '2 taps of the student cannot be paired with 1 of the teacher',
  });
  const image = { stage1: [8, 8, 3], logits: [3] };
  expect(refusal('attention_heads', {}, image, transformer(2))).toMatchObject({
    path: '/student',
    message: 'the student has no attention1, attention2… to take by default: it is no transformer',
    allowed: ['stage1', 'logits'],
  });
  expect(refusal('hidden_states', {}, transformer(2), image)).toMatchObject({ path: '/teacher' });
  // A map has as many axes.
  const mixed = { ...transformer(1), stage1: [2, 5, 5] };
  expect(refusal('attention_heads', { student: 'stage1' }, mixed, mixed)).toMatchObject({
    message: "the student's stage1 [2,5,5] is not [heads, tokens, tokens]",
    allowed: ['attention1'],
  });
  for (const type of ['hidden_states', 'attention_heads']) {
    const error = refusal(type, {}, transformer(1), transformer(1, { tokens: 6 }));
    expect((error as Error).message).toMatch(
      /student's .*1 \[.*\].*teacher's .*1 \[.*\] differ in their tokens/,
    );
  }
});
