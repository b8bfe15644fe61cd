import { type Dataset } from '@distillery/datasets';
import type { Forward } from '@distillery/engine';
import {
  DistilleryError,
  sha256,
  type Choice,
  type NetworkResult,
  type Score,
  type StageProgress,
  type Training,
} from '@distillery/spec';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { TeacherRows } from '../batch-thread.ts';
import { checkpoints } from '../checkpoint.ts';
import { predict, singleImageLatency } from '../evaluate.ts';
import type { WeightedTerm } from '../method.ts';
import {
  assignValues,
  createNetwork,
  disposeNetwork,
  type Network,
  readValues,
  type Values,
} from '../network.ts';
import { accuracy, crossEntropyLoss, expectedCalibrationError } from '../scores.ts';
import { train, type TrainingResult } from '../train.ts';
import { encodeWeights } from '../weights.ts';
import { architectures, bind } from '@distillery/models';
import type { Materials } from './materials.ts';
import type { StageContext } from './stage.ts';

/** A network's training as a stage runs it, teacher and student alike. */
export interface NetworkRun {
  architecture: Choice;
  /** Where it is not the architecture's alone. */
  forward?: Forward;
  /** Weights that it is given, by name, in place of its first ones. */
  inherited?: Values;
  method: readonly WeightedTerm[];
  training: Training;
  seed: number;
  views: number;
  teacher?: TeacherRows;
  teacherParameters?: Record<string, Tensor>;
}

/** What a training stage returns: the report's entry and the test logits that it is computed from. */
export interface TrainedNetwork {
  result: Omit<NetworkResult, 'last' | 'best'> & { last: OwnScore; best: OwnScore };
}

/** A score without what needs the teacher; `logits` holds the test set's, `[count, classes]` float32. */
export type OwnScore = Omit<Score, 'agreement' | 'teacherDivergence'> & {
  logits: { digest: string; size: number };
};

/** Trains (or resumes), scores last and best weights on the test set, and stores both. */
export async function runNetwork(
  context: StageContext,
  { dataset, indices }: Materials,
  {
    architecture,
    forward: given,
    inherited,
    method,
    training,
    seed,
    views,
    teacher,
    teacherParameters,
  }: NetworkRun,
): Promise<TrainedNetwork['result']> {
  const { store, tell, stage, job, pause, engine } = context;
  if (training.precision === 'bfloat16' && engine.bfloat16 !== null) {
    throw new DistilleryError(
      'precision_unavailable',
      `training.precision is bfloat16, which this worker cannot compute in: ${engine.bfloat16}`,
    );
  }
  const classes = dataset.classes.length;
  const forward = given ?? bind(architectures.get(architecture.type), architecture, classes);
  const network = createNetwork(forward, dataset.shape, seed, inherited);
  const saved = checkpoints(store, `jobs/${job.id}/${stage.id}`);
  const stepsPerEpoch = Math.ceil(indices.train.length / training.batchSize);
  const steps = stepsPerEpoch * training.epochs;
  const metadata = {
    architecture: JSON.stringify(architecture),
    classes: JSON.stringify(dataset.classes),
    normalization: JSON.stringify(dataset.normalization),
    input: JSON.stringify(dataset.shape),
  };
  const encode = (values: Values) => encodeWeights(network.plan.parameters, values, metadata);
  const progress = (name: string, step: number, loss: number | null, rate: number | null): StageProgress => ({
    phase: name,
    epoch: Math.floor(step / stepsPerEpoch),
    epochs: training.epochs,
    step,
    steps,
    loss,
    samplesPerSecond: rate,
    // Scoring and storing are the rest.
    fraction: 0.99 * (step / steps),
  });

  try {
    const initialWeights = sha256(encode(readValues(network.variables)));
    const result = await train({
      network,
      method,
      dataset,
      indices,
      training,
      seed,
      views,
      teacher,
      teacherParameters,
      resume: await saved.newest(),
      hooks: {
        metrics: (epoch, step, values) =>
          tell.metrics({ epoch, step, time: new Date().toISOString(), values }),
        progress: (name, cursor) =>
          tell.progress(progress(name, cursor.step, cursor.loss, cursor.samplesPerSecond)),
        warning: tell.warning,
        checkpoint: saved.save,
        pause,
      },
    });
    tell.progress(progress('evaluating', steps, result.losses.loss ?? null, null));
    const last = await score(result.lastEpoch, result.lastValidationAccuracy);
    const best = await scoreBest(result, last);
    return {
      stage: stage.id,
      seed,
      parameters: network.plan.parameterCount,
      flops: network.plan.flops,
      latencyMs: singleImageLatency(network, dataset.shape),
      initialWeights,
      last,
      best,
      terms: result.terms,
      losses: result.losses,
      epochs: training.epochs,
      seconds: result.seconds,
      precision: training.precision,
      reused: false,
      engine,
      peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
      datasetBytes: dataset.train.images.byteLength + dataset.test.images.byteLength,
    };
  } finally {
    disposeNetwork(network);
  }

  async function scoreBest({ best, lastEpoch }: TrainingResult, last: OwnScore): Promise<OwnScore> {
    if (best.epoch === lastEpoch) return last;
    assignValues(network.variables, best.values);
    return await score(best.epoch, best.validationAccuracy);
  }

  async function score(epoch: number, validationAccuracy: number | null): Promise<OwnScore> {
    const weights = await store.put(encode(readValues(network.variables)));
    return { epoch, validationAccuracy, weights, ...(await testScores(network, dataset, context)) };
  }
}

async function testScores(network: Network, dataset: Dataset, { store, pause }: StageContext) {
  const logits = await predict(network, dataset, dataset.test, pause);
  const predictions = { logits, labels: dataset.test.labels, classes: dataset.classes.length };
  return {
    testAccuracy: accuracy(predictions),
    testLoss: crossEntropyLoss(predictions),
    expectedCalibrationError: expectedCalibrationError(predictions),
    logits: await store.put(new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength)),
  };
}

/** Removes what only a resumption would have needed; called once the stage's result stands. */
export function clearCheckpoints(
  { store, job }: Pick<StageContext, 'store' | 'job'>,
  stage: string,
): Promise<void> {
  return checkpoints(store, `jobs/${job.id}/${stage}`).clear();
}
