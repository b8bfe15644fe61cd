import type { Curve } from '@distillery/spec';
import { expect, test } from 'vitest';
import { withNewer } from './curves.ts';

const curve = (steps: number[], name = 'loss', value = (step: number) => step): Curve => ({
  stage: 'teacher',
  name,
  step: steps,
  epoch: steps.map(() => 1),
  value: steps.map(value),
});

test('newer points come behind those that are known', () => {
  expect(withNewer([curve([1, 2])], [curve([3])])).toEqual([curve([1, 2, 3])]);
});

test('a curve that is new is added', () => {
  expect(withNewer([curve([1])], [curve([1], 'rate')])).toEqual([curve([1]), curve([1], 'rate')]);
});

test('a later attempt replaces the steps that it takes again', () => {
  const [merged] = withNewer([curve([1, 2, 3, 4])], [curve([3, 4, 5], 'loss', (step) => -step)]);
  expect(merged.step).toEqual([1, 2, 3, 4, 5]);
  expect(merged.value).toEqual([1, 2, -3, -4, -5]);
});

test('a long curve is thinned and keeps its newest point', () => {
  const steps = Array.from({ length: 3000 }, (_, index) => index);
  const [merged] = withNewer([curve(steps)], [curve([3000, 3001])]);
  expect(merged.step.length).toBe(1501);
  expect(merged.step.at(-1)).toBe(3001);
});
