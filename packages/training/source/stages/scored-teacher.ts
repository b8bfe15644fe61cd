import { inputBytes } from '@distillery/datasets';
import type { NetworkPlan } from '@distillery/engine';
import { accuracy, crossEntropyLoss, expectedCalibrationError } from '../scores.ts';
import { doubtfulTeacher } from '../sanity.ts';
import type { Materials } from './materials.ts';
import type { StageContext } from './stage.ts';
import type { OwnScore, TrainedNetwork } from './trained-network.ts';

/** What is known of a teacher that the job does not train. */
interface Scored {
  plan: NetworkPlan;
  /** The stored file that it comes from. */
  weights: OwnScore['weights'];
  /** Its logits for the job's test split: `[test, classes]`. */
  logits: Float32Array;
  /** The duration of one sample; 0 where its outputs are given. */
  latencyMs: number;
}

/** The report's entry of a teacher that the job does not train: no epoch of it is trained here. */
export async function scoredTeacher(
  { store, stage, emit }: StageContext,
  { dataset, engine }: Materials,
  { plan, weights, logits, latencyMs }: Scored,
): Promise<TrainedNetwork> {
  const { count, labels } = dataset.test;
  const predictions = { logits, labels, classes: dataset.classes.length };
  const testAccuracy = accuracy(predictions);
  for (const sentence of doubtfulTeacher(testAccuracy, { ...predictions, count })) emit.warning(sentence);
  const score = {
    epoch: 0,
    validationAccuracy: null,
    testAccuracy,
    testLoss: crossEntropyLoss(predictions),
    expectedCalibrationError: expectedCalibrationError(predictions),
    weights,
    logits: await store.put(new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength)),
  };
  return {
    stage: stage.id,
    seed: 0,
    parameters: plan.parameterCount,
    flops: plan.flops,
    latencyMs,
    initialWeights: weights.digest,
    last: score,
    best: score,
    terms: [],
    losses: {},
    epochs: 0,
    seconds: 0,
    precision: 'float32',
    steps: null,
    reused: true,
    engine,
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    datasetBytes: (dataset.train.count + dataset.test.count) * inputBytes(dataset),
  };
}
