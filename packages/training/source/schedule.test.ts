import { expect, test } from 'vitest';
import { learningRate } from './schedule.ts';

const rates = (schedule: Parameters<typeof learningRate>[0], epochs = 4, stepsPerEpoch = 5) =>
  Array.from({ length: epochs * stepsPerEpoch }, (_, step) =>
    learningRate(schedule, 1, step, stepsPerEpoch, epochs),
  );

test('constant stays', () => {
  expect(new Set(rates({ type: 'constant', warmupEpochs: 0 }))).toEqual(new Set([1]));
});

test('step falls after each milestone', () => {
  const schedule = { type: 'step', milestones: [1, 3], gamma: 0.1, warmupEpochs: 0 } as const;
  const all = rates({ ...schedule, milestones: [1, 3] });
  expect(all.slice(0, 5)).toEqual([1, 1, 1, 1, 1]);
  expect(all[5]).toBeCloseTo(0.1, 12);
  expect(all[14]).toBeCloseTo(0.1, 12);
  expect(all[15]).toBeCloseTo(0.01, 12);
});

test('cosine begins at the rate and ends at its final fraction', () => {
  const all = rates({ type: 'cosine', finalFraction: 0.1, warmupEpochs: 0 });
  expect(all[0]).toBe(1);
  expect(all.at(-1)).toBeCloseTo(0.1, 12);
  expect(all).toEqual([...all].sort((a, b) => b - a));
});

test('warm-up climbs to the rate and never passes it', () => {
  const all = rates({ type: 'constant', warmupEpochs: 1 });
  expect(all.slice(0, 6).map((rate) => rate.toFixed(4))).toEqual(
    [1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1].map((r) => r.toFixed(4)),
  );
});
