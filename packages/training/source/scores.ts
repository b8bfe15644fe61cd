import type { CalibrationBin } from '@distillery/spec';

/** Pure arithmetic on predictions; every `logits` is `[count, classes]`, row-major. */

export interface Predictions {
  logits: Float32Array;
  labels: Int32Array;
  classes: number;
}

/** Log-softmax of each row, in float64. */
export function logProbabilities(logits: Float32Array, classes: number): Float64Array {
  const out = new Float64Array(logits.length);
  for (let row = 0; row < logits.length; row += classes) {
    let max = -Infinity;
    for (let k = 0; k < classes; k++) max = Math.max(max, logits[row + k]);
    let sum = 0;
    for (let k = 0; k < classes; k++) sum += Math.exp(logits[row + k] - max);
    const log = max + Math.log(sum);
    for (let k = 0; k < classes; k++) out[row + k] = logits[row + k] - log;
  }
  return out;
}

/** The index of the largest entry of each row; among equal ones, of the first. */
export function predictedClasses(logits: Float32Array, classes: number): Int32Array {
  const out = new Int32Array(logits.length / classes);
  for (let i = 0; i < out.length; i++) {
    let best = 0;
    for (let k = 1; k < classes; k++) if (logits[i * classes + k] > logits[i * classes + best]) best = k;
    out[i] = best;
  }
  return out;
}

export function accuracy({ logits, labels, classes }: Predictions): number {
  const predicted = predictedClasses(logits, classes);
  return mean(labels.length, (i) => (predicted[i] === labels[i] ? 1 : 0));
}

/** Mean of −log p_y, nats. */
export function crossEntropyLoss({ logits, labels, classes }: Predictions): number {
  const log = logProbabilities(logits, classes);
  return mean(labels.length, (i) => -log[i * classes + labels[i]]);
}

/** The bins of calibration, in the report and in reliability diagrams. */
const calibrationBinCount = 15;

/** Predictions of a range of confidences: how many, the sum of their confidences, and how many of them are right. */
interface Bin {
  count: number;
  confidence: number;
  hits: number;
}

function binned({ logits, labels, classes }: Predictions): Bin[] {
  const predicted = predictedClasses(logits, classes);
  const log = logProbabilities(logits, classes);
  const bins = Array.from({ length: calibrationBinCount }, (): Bin => ({ count: 0, confidence: 0, hits: 0 }));
  for (let i = 0; i < labels.length; i++) {
    const confidence = Math.exp(log[i * classes + predicted[i]]);
    const at = Math.ceil(confidence * calibrationBinCount) - 1;
    const bin = bins[Math.min(calibrationBinCount - 1, Math.max(0, at))];
    bin.count++;
    bin.confidence += confidence;
    if (predicted[i] === labels[i]) bin.hits++;
  }
  return bins;
}

/** The mean confidence and the accuracy of the predictions in bins of equal width; 0 in empty ones. */
export function calibrationBins(predictions: Predictions): CalibrationBin[] {
  return binned(predictions).map(({ count, confidence, hits }) => ({
    confidence: confidence / Math.max(1, count),
    accuracy: hits / Math.max(1, count),
    count,
  }));
}

/**
 * Expected calibration error: the mean distance of confidence and accuracy over the bins, weighted by their share of the
 * samples (Guo et al., 2017, arXiv:1706.04599).
 */
export function expectedCalibrationError(predictions: Predictions): number {
  const gaps = binned(predictions).map(({ confidence, hits }) => Math.abs(confidence - hits));
  return gaps.reduce((sum, gap) => sum + gap, 0) / Math.max(1, predictions.labels.length);
}

/** The share of rows for which both predict the same class. */
export function agreement(a: Float32Array, b: Float32Array, classes: number): number {
  const [x, y] = [predictedClasses(a, classes), predictedClasses(b, classes)];
  return mean(x.length, (i) => (x[i] === y[i] ? 1 : 0));
}

/** KL(teacher ‖ student) of each row at a temperature, nats. */
export function divergences(
  teacher: Float32Array,
  student: Float32Array,
  classes: number,
  temperature = 1,
): Float64Array {
  const softened = (logits: Float32Array) => logits.map((logit) => logit / temperature);
  const [p, q] = [teacher, student].map((logits) => logProbabilities(softened(logits), classes));
  return Float64Array.from({ length: teacher.length / classes }, (_, i) => {
    let sum = 0;
    for (let j = i * classes; j < (i + 1) * classes; j++) sum += Math.exp(p[j]) * (p[j] - q[j]);
    return sum;
  });
}

/** The mean of `divergences`. */
export function divergence(teacher: Float32Array, student: Float32Array, classes: number): number {
  const each = divergences(teacher, student, classes);
  return mean(each.length, (i) => each[i]);
}

/** Σ wᵢ·xᵢ / Σ wᵢ, element by element. */
export function meanOf(values: readonly Float32Array[], weights: readonly number[]): Float32Array {
  if (values.length === 1) return values[0];
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return values[0].map((_, i) => values.reduce((sum, each, j) => sum + weights[j] * each[i], 0) / total);
}

/** The logarithm of the mean of several predictions' probabilities: logits of an ensemble. */
export function meanProbabilities(members: readonly Float32Array[], classes: number): Float32Array {
  const logs = members.map((logits) => logProbabilities(logits, classes));
  return members[0].map((_, i) =>
    Math.log(logs.reduce((sum, log) => sum + Math.exp(log[i]), 0) / logs.length),
  );
}

function mean(count: number, value: (index: number) => number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += value(i);
  return count === 0 ? 0 : sum / count;
}
