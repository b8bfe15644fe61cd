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

/**
 * Expected calibration error: the mean distance of confidence and accuracy over bins of equal width, weighted by their
 * share of the samples (Guo et al., 2017, arXiv:1706.04599).
 */
export function expectedCalibrationError({ logits, labels, classes }: Predictions, bins = 15): number {
  const predicted = predictedClasses(logits, classes);
  const log = logProbabilities(logits, classes);
  const confidenceMinusHits = new Float64Array(bins);
  for (let i = 0; i < labels.length; i++) {
    const confidence = Math.exp(log[i * classes + predicted[i]]);
    const bin = Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1));
    confidenceMinusHits[bin] += confidence - (predicted[i] === labels[i] ? 1 : 0);
  }
  return confidenceMinusHits.reduce((sum, gap) => sum + Math.abs(gap), 0) / Math.max(1, labels.length);
}

/** The share of rows for which both predict the same class. */
export function agreement(a: Float32Array, b: Float32Array, classes: number): number {
  const [x, y] = [predictedClasses(a, classes), predictedClasses(b, classes)];
  return mean(x.length, (i) => (x[i] === y[i] ? 1 : 0));
}

/** Mean KL(teacher ‖ student) at temperature 1, nats. */
export function divergence(teacher: Float32Array, student: Float32Array, classes: number): number {
  const [p, q] = [logProbabilities(teacher, classes), logProbabilities(student, classes)];
  return mean(teacher.length / classes, (i) => {
    let sum = 0;
    for (let j = i * classes; j < (i + 1) * classes; j++) sum += Math.exp(p[j]) * (p[j] - q[j]);
    return sum;
  });
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
