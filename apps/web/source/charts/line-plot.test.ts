import { expect, test } from 'vitest';
import { plotLines } from './line-plot.ts';
import type { Series } from './series.ts';

const series = (name: string, y: (number | null)[], changes: Partial<Series> = {}): Series => ({
  name,
  network: { role: 'student', place: 0 },
  x: y.map((_, index) => index + 1),
  y,
  ...changes,
});
const size = { width: 600, height: 300 };

test('labels stand at the ends of their lines, apart from each other', () => {
  const plot = plotLines([series('a', [1, 2, 3]), series('b', [1, 2, 3.01])], size);
  const [a, b] = plot?.lines ?? [];
  expect(a.end?.x).toBeCloseTo(plot?.right ?? 0);
  expect(Math.abs(a.labelY - b.labelY)).toBeCloseTo(15);
});

test('a level line goes on to the right edge', () => {
  const plot = plotLines([series('teacher', [5], { level: true }), series('a', [1, 2])], size);
  expect(plot?.lines[0].line).toContain(`H${plot?.right}`);
});

test('differences have zero on their axis', () => {
  const plot = plotLines([series('a', [3, 4])], { ...size, signed: true });
  expect(plot?.yTicks.map(({ text }) => text)).toContain('0');
});

test('a log axis leaves out what it cannot show', () => {
  const plot = plotLines([series('a', [1, 0, 10])], { ...size, log: true });
  expect(plot?.lines[0].line.match(/M/g)).toHaveLength(2);
  expect(plotLines([series('a', [0, -1])], { ...size, log: true })).toBeUndefined();
});

test('there is nothing to plot without points', () => {
  expect(plotLines([series('a', [])], size)).toBeUndefined();
});
