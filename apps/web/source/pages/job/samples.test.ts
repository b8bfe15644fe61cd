import { expect, test } from 'vitest';
import { divergenceAt, softTargets, verdictOf } from './samples.ts';

const sample = {
  index: 7,
  label: 1,
  text: null,
  teacher: [0, 2, 1],
  student: [1, 0, 0],
  control: null,
  disagreement: 0.3,
};

test('soft targets are sorted by the teacher, and flatten with the temperature', () => {
  const cold = softTargets(sample, 1);
  expect(cold.map(({ index }) => index)).toEqual([1, 2, 0]);
  const hot = softTargets(sample, 20);
  expect(hot.map(({ index }) => index)).toEqual([1, 2, 0]);
  expect(hot[0].teacher).toBeLessThan(cold[0].teacher);
  expect(hot.reduce((sum, { teacher }) => sum + teacher, 0)).toBeCloseTo(1);
  expect(softTargets(sample, 1, 2)).toHaveLength(2);
});

test('a verdict is the most probable class at temperature 1', () => {
  expect(verdictOf(sample.student, 1)).toEqual({
    choice: 0,
    confidence: expect.closeTo(0.576, 3) as number,
    right: false,
  });
  expect(verdictOf(sample.teacher, 1).right).toBe(true);
});

test('networks differ less at a higher temperature', () => {
  const at = (temperature: number) => divergenceAt(sample.teacher, sample.student, temperature);
  expect(at(8)).toBeLessThan(at(1));
  expect(divergenceAt([1, 2], [1, 2], 4)).toBe(0);
});
