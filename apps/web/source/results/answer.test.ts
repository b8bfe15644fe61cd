import { expect, test } from 'vitest';
import { answerOf, sizeWords } from './answer.ts';
import { rowsOf } from './rows.ts';
import { reportOf, type TestNetwork } from './testing/report.ts';

const sentence = (teacher: number | undefined, students: TestNetwork[]) =>
  answerOf(rowsOf(reportOf(teacher, students), 'best'))
    .pieces.map(({ text }) => text)
    .join('');
const control = { name: 'control', accuracies: [90, 91, 92] };

test('names the most accurate student of those that beat their control', () => {
  const students = [
    control,
    { name: 'a', control: 'control', accuracies: [91, 92, 93] },
    { name: 'b', control: 'control', accuracies: [90, 93, 93] },
    { name: 'c', control: 'control', accuracies: [90, 90, 90] },
  ];
  expect(sentence(94, students)).toBe(
    'a reaches 92.00 %, 1.00 points over its control in 3 of 3 seeds, at a third of the teacher’s size.',
  );
});

test('says that nothing beats its control, and names the closest', () => {
  const students = [
    control,
    { name: 'a', control: 'control', accuracies: [89, 90, 90] },
    { name: 'b', control: 'control', accuracies: [90, 91, 91.7] },
  ];
  expect(sentence(94, students)).toBe(
    'No student beats its control: the closest, b, reaches 90.90 %, 0.10 points under its control.',
  );
  expect(sentence(94, students.slice(0, 2))).toBe(
    'a does not beat its control: it reaches 89.67 %, 1.33 points under its control.',
  );
});

test('compares with the teacher where there is no control', () => {
  expect(sentence(94, [{ name: 'a', accuracies: [93] }])).toBe(
    'a reaches 93.00 %, 1.00 points under its teacher, at a third of the teacher’s size.',
  );
  expect(sentence(undefined, [{ name: 'a', accuracies: [93] }])).toBe(
    'a reaches 93.00 %; there is no control to compare it with.',
  );
});

test.each([
  [1, 'the teacher’s size'],
  [0.5, 'half of the teacher’s size'],
  [0.32, 'a third of the teacher’s size'],
  [0.42, '42 % of the teacher’s size'],
  [0.012, '1.2 % of the teacher’s size'],
  [1.5, '1.5 times the teacher’s size'],
])('a share of %d is %s', (share, words) => expect(sizeWords(share)).toBe(words));
