import { expect, test } from 'vitest';
import { confusionOf, gainsByClass, type NetworkAnalysis, reliabilityOf, rowShares } from './analysis.ts';

const network = (name: string, seed: number, changes: Partial<NetworkAnalysis> = {}): NetworkAnalysis => ({
  stage: `student.${name}.${seed}`,
  role: 'student',
  name,
  seed,
  classAccuracy: [0.5, 0.5],
  confusion: [
    [1, 1],
    [0, 2],
  ],
  reliability: [
    { confidence: 0.2, accuracy: 0, count: 0 },
    { confidence: 0.8, accuracy: 0.5, count: 2 },
  ],
  ...changes,
});

test('the confusion of a student is that of all its seeds', () => {
  const counts = confusionOf([network('a', 1), network('a', 2), network('b', 1)], 'a');
  expect(counts).toEqual([
    [2, 2],
    [0, 4],
  ]);
  expect(rowShares(counts ?? [])).toEqual([
    [0.5, 0.5],
    [0, 1],
  ]);
  expect(confusionOf([network('a', 1, { confusion: null })], 'a')).toBeNull();
});

test('bins are weighted by their samples, and empty ones left out', () => {
  const other = [
    { confidence: 0.1, accuracy: 1, count: 1 },
    { confidence: 0.6, accuracy: 1, count: 6 },
  ];
  const bins = reliabilityOf([network('a', 1), network('a', 2, { reliability: other })], 'a');
  expect(bins.map(({ count }) => count)).toEqual([1, 8]);
  expect(bins[1].confidence).toBeCloseTo((2 * 0.8 + 6 * 0.6) / 8);
  expect(bins[1].accuracy).toBeCloseTo((2 * 0.5 + 6) / 8);
});

test('gains are by class and seed, over the control of the same seed', () => {
  const gains = gainsByClass(
    [network('a', 1, { classAccuracy: [0.75, 0.25] }), network('a', 2), network('control', 1)],
    'a',
    'control',
  );
  expect(gains).toEqual([[0.25], [-0.25]]);
});
