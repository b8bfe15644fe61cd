import { describe, expect, test } from 'vitest';
import {
  accuracy,
  agreement,
  calibrationBins,
  crossEntropyLoss,
  divergence,
  expectedCalibrationError,
  logProbabilities,
  meanOf,
  meanProbabilities,
  predictedClasses,
} from './scores.ts';

const classes = 3;
// Rows: sure of 0, sure of 2, undecided between 0 and 1.
const logits = Float32Array.from([9, 0, 0, 0, 1, 4, 2, 2, 0]);

describe('predictions', () => {
  test('the first of equal logits wins', () => {
    expect([...predictedClasses(logits, classes)]).toEqual([0, 2, 0]);
  });

  test('accuracy counts hits', () => {
    expect(accuracy({ logits, labels: Int32Array.from([0, 1, 0]), classes })).toBeCloseTo(2 / 3, 12);
  });

  test('log-probabilities sum to one and survive huge logits', () => {
    const log = logProbabilities(Float32Array.from([1000, -1000, 0]), classes);
    expect([...log].map(Math.exp).reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    expect(log[0]).toBe(0);
    expect(log[1]).toBe(-2000);
  });

  test('cross-entropy is the mean of −log p_y', () => {
    const p = Math.exp(4) / (1 + Math.exp(1) + Math.exp(4));
    const q = Math.exp(2) / (2 * Math.exp(2) + 1);
    const expected = (-Math.log(p) - Math.log(q)) / 2;
    const two = { logits: logits.subarray(3), labels: Int32Array.from([2, 1]), classes };
    expect(crossEntropyLoss(two)).toBeCloseTo(expected, 6);
  });
});

describe('against the teacher', () => {
  test('a network agrees with itself and diverges by nothing', () => {
    expect(agreement(logits, logits, classes)).toBe(1);
    expect(divergence(logits, logits, classes)).toBe(0);
  });

  test('divergence is KL(teacher ‖ student)', () => {
    const teacher = Float32Array.from([Math.log(0.5), Math.log(0.25), Math.log(0.25)]);
    const student = Float32Array.from([0, 0, 0]);
    const expected = 0.5 * Math.log(1.5) + 2 * 0.25 * Math.log(0.75);
    expect(divergence(teacher, student, classes)).toBeCloseTo(expected, 6);
    expect(divergence(student, teacher, classes)).not.toBeCloseTo(expected, 3);
  });
});

describe('expected calibration error', () => {
  test('is the gap between confidence and accuracy', () => {
    // Four predictions of confidence 0.7, one of them right: |0.7 − 0.25|.
    const row = [Math.log(0.7), Math.log(0.2), Math.log(0.1)];
    const four = Float32Array.from([...row, ...row, ...row, ...row]);
    const labels = Int32Array.from([0, 1, 1, 2]);
    expect(expectedCalibrationError({ logits: four, labels, classes })).toBeCloseTo(0.45, 6);
  });

  test('keeps the bins apart', () => {
    const sure = [50, 0, 0];
    const even = [0, 0, 0];
    const labels = Int32Array.from([0, 1]);
    // Confidence 1 and right: 0. Confidence 1/3 and wrong: 1/3, at half the weight.
    expect(
      expectedCalibrationError({ logits: Float32Array.from([...sure, ...even]), labels, classes }),
    ).toBeCloseTo(1 / 6, 6);
  });

  test('is the gap of the calibration bins', () => {
    const many = Float32Array.from({ length: 600 }, (_, i) => 4 * Math.sin(i * i));
    const labels = Int32Array.from({ length: 200 }, (_, i) => i % classes);
    const predictions = { logits: many, labels, classes };
    const bins = calibrationBins(predictions);
    expect(bins).toHaveLength(15);
    expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(200);
    for (const [i, { count, confidence }] of bins.entries()) {
      if (count === 0) continue;
      expect(confidence).toBeGreaterThan(i / 15);
      expect(confidence).toBeLessThanOrEqual((i + 1) / 15 + 1e-12);
    }
    const gap = bins.reduce((sum, bin) => sum + bin.count * Math.abs(bin.confidence - bin.accuracy), 0) / 200;
    expect(gap).toBeCloseTo(expectedCalibrationError(predictions), 12);
    expect(gap).toBeGreaterThan(0.05);
  });
});

test('several predictions are averaged by weight, or by probability', () => {
  const [a, b] = [Float32Array.from([1, 2]), Float32Array.from([5, 0])];
  expect([...meanOf([a, b], [1, 3])]).toEqual([4, 0.5]);
  expect([...meanOf([a], [7])]).toEqual([1, 2]);
  // A sure member and one that halves: (1 + ½)/2.
  const mean = meanProbabilities([Float32Array.from([0, -1000]), Float32Array.from([3, 3])], 2);
  expect(Math.exp(mean[0])).toBeCloseTo(0.75, 6);
  expect(Math.exp(mean[1])).toBeCloseTo(0.25, 6);
});
