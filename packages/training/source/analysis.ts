import type { PredictionAnalysis } from '@distillery/spec';
import { calibrationBins, type Predictions, predictedClasses } from './scores.ts';

/** A confusion matrix of more classes is larger than people can read, and than an answer should be. */
const mostConfusionClasses = 200;

/** What predictions show class by class, and how well their confidence fits. */
export function analysePredictions(predictions: Predictions): PredictionAnalysis {
  const { logits, labels, classes } = predictions;
  const predicted = predictedClasses(logits, classes);
  const [counts, hits] = [new Int32Array(classes), new Int32Array(classes)];
  for (let i = 0; i < labels.length; i++) {
    counts[labels[i]]++;
    if (predicted[i] === labels[i]) hits[labels[i]]++;
  }
  return {
    classAccuracy: Array.from(counts, (count, index) => (count === 0 ? null : hits[index] / count)),
    confusion: classes > mostConfusionClasses ? null : confusionOf(labels, predicted, classes),
    reliability: calibrationBins(predictions),
  };
}

function confusionOf(labels: Int32Array, predicted: Int32Array, classes: number): number[][] {
  const counts = Array.from({ length: classes }, () => Array.from({ length: classes }, () => 0));
  for (let i = 0; i < labels.length; i++) counts[labels[i]][predicted[i]]++;
  return counts;
}
