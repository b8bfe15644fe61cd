import { type Dataset, inputBytes } from '@distillery/datasets';
import { type Choice, DistilleryError, sha256, type Training } from '@distillery/spec';
import { type Forward, initialValues, type NetworkPlan, record } from '@distillery/engine';
import { type Checkpoint, openCheckpoints } from '../checkpoint.ts';
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
import { doubtfulOutcome, doubtfulSettings } from '../sanity.ts';
import { accuracy, crossEntropyLoss, expectedCalibrationError } from '../scores.ts';
import { train } from '../loop.ts';
import type { TeacherTaps } from '../teacher-taps.ts';
import type { TrainingResult } from '../training-run.ts';
import { encodeWeights } from '../weights.ts';
import type { PretrainedValues } from '../components/auxiliary-networks.ts';
import type { TeacherParameters } from '../components/teacher-parameters.ts';
import { checkpointsOf, type Materials, trainingProgress } from './materials.ts';
import type { StageContext } from './stage.ts';
import type { OwnScore, TrainedNetwork } from './trained-network.ts';

/** One of the networks that a stage trains. */
interface Member {
  /** Its name among the members; empty for a network that trains alone. */
  name: string;
  architecture: Choice;
  forward: Forward;
  plan: NetworkPlan;
  /** The seed of its first weights, those of its auxiliary networks, and its dropout. */
  seed: number;
  /** Weights that replace its first ones, by name. */
  inherited?: Values;
  method: readonly WeightedTerm[];
  /** Parameters of a frozen teacher that its method reads. */
  teacherParameters?: TeacherParameters;
  /** Weights of its auxiliary networks that were trained beforehand. */
  pretrained?: PretrainedValues;
}

/** The training of a stage: of a teacher, of a student, or of peers together. */
export interface NetworkRun {
  members: Member[];
  training: Training;
  /** The epoch after which it ends; default: the last one of `training`. */
  until?: number;
  seed: number;
  views: number;
  teacher?: TeacherTaps;
  /** An earlier state of the same training to begin from, where the stage has no checkpoint of its own. */
  from?: Checkpoint | undefined;
  /** Receives the state at the end. */
  ended?(state: Checkpoint): Promise<void>;
}

/**
 * Trains networks, or resumes their training, and scores and stores the last and the best weights of each.
 *
 * @returns a result for each member, in their order
 */
export async function runNetworks(
  context: StageContext,
  { engine, dataset, indices }: Materials,
  { members, training, until = training.epochs, seed, views, teacher, from, ended }: NetworkRun,
): Promise<TrainedNetwork[]> {
  const { store, emit, stage, job, pause } = context;
  if (training.precision === 'bfloat16' && engine.bfloat16 !== null) {
    throw new DistilleryError(
      'precision_unavailable',
      `training.precision is bfloat16, which this worker does not support: ${engine.bfloat16}`,
    );
  }
  const first = members.map(
    ({ plan, seed: own, inherited }): Values => ({ ...initialValues(plan.parameters, own), ...inherited }),
  );
  for (const sentence of doubtfulSettings(training)) emit.warning(sentence);
  const { resume = from, save } = await openCheckpoints(checkpointsOf(context, engine));
  let state = resume;
  const stepsPerEpoch = Math.ceil(indices.train.length / training.batchSize);
  // Scoring and storing take the rest.
  const progress = trainingProgress({ stepsPerEpoch, epochs: until, share: 0.99 });

  const networks = members.map(({ forward }, index) => createNetwork(forward, dataset.shape, first[index]));
  let result: TrainingResult;
  let last: Values[];
  try {
    result = await train({
      members: members.map(({ name, method, seed: own, teacherParameters, pretrained }, index) => ({
        name,
        network: networks[index],
        method,
        seed: own,
        ...(teacherParameters && { teacherParameters }),
        ...(pretrained && { pretrained }),
      })),
      dataset,
      indices,
      training,
      until,
      seed,
      views,
      teacher,
      resume,
      checkpoints: job.spec.checkpoints,
      hooks: {
        metrics: (epoch, step, values) =>
          emit.metrics({ epoch, step, time: new Date().toISOString(), values }),
        progress: (name, cursor) => emit.progress(progress(name, cursor)),
        warning: emit.warning,
        checkpoint: async (checkpoint) => {
          if (ended !== undefined) state = checkpoint;
          await save(checkpoint);
        },
        pause,
      },
    });
    last = networks.map(({ variables }) => readValues(variables));
  } finally {
    networks.forEach(disposeNetwork);
  }
  const step = stepsPerEpoch * until;
  emit.progress(progress('evaluating', { step, loss: result.loss ?? null, samplesPerSecond: null }));
  const results: TrainedNetwork[] = [];
  for (const index of members.keys()) results.push(await resultOf(index));
  // The training has taken at least one step, in this attempt or before it.
  await ended?.(state as Checkpoint);
  return results;

  async function resultOf(index: number): Promise<TrainedNetwork> {
    const [member, ofMember] = [members[index], result.members[index]];
    const { plan } = member;
    const encode = encoder(member, dataset);
    const trained = createNetwork(member.forward, dataset.shape, last[index]);
    const score = async (epoch: number, validationAccuracy: number | null): Promise<OwnScore> => {
      const weights = await store.put(encode(readValues(trained.variables)));
      return { epoch, validationAccuracy, weights, ...(await testScores(trained, dataset, context)) };
    };
    const best = async (ended: OwnScore): Promise<OwnScore> => {
      const { epoch, validationAccuracy, values } = ofMember.best;
      if (epoch === result.lastEpoch) return ended;
      assignValues(trained.variables, values);
      return await score(epoch, validationAccuracy);
    };
    try {
      const ended = await score(result.lastEpoch, ofMember.lastValidationAccuracy);
      const { testAccuracy, testLoss } = ended;
      const [count, classes] = [dataset.test.count, dataset.classes.length];
      for (const sentence of doubtfulOutcome({ accuracy: testAccuracy, loss: testLoss, count, classes })) {
        emit.warning(member.name === '' ? sentence : `${member.name}: ${sentence}`);
      }
      const latencyMs = singleImageLatency(trained, dataset.shape);
      return {
        stage: stage.id,
        seed,
        parameters: plan.parameterCount,
        flops: plan.flops,
        latencyMs,
        initialWeights: sha256(encode(first[index])),
        last: ended,
        best: await best(ended),
        terms: ofMember.terms,
        // The weighted sum over several members is not the loss of one network.
        losses: {
          ...ofMember.losses,
          ...(members.length === 1 && result.loss !== undefined && { loss: result.loss }),
        },
        epochs: until,
        seconds: result.seconds,
        precision: training.precision,
        steps: result.steps,
        reused: false,
        engine,
        peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
        datasetBytes: (dataset.train.count + dataset.test.count) * inputBytes(dataset),
      };
    } finally {
      disposeNetwork(trained);
    }
  }
}

/** Encodes weights with metadata that describe the network and its inputs. */
function encoder({ architecture, forward, plan }: Member, dataset: Dataset) {
  const metadata = {
    architecture: JSON.stringify(architecture),
    graph: JSON.stringify(record(forward, dataset.shape)),
    classes: JSON.stringify(dataset.classes),
    ...preparation(dataset),
    input: JSON.stringify(dataset.shape),
  };
  return (values: Values) => encodeWeights(plan.parameters, values, metadata);
}

/** The metadata that describe the preparation of an image, a text or a row of numbers for the network. */
export function preparation({ normalization, tokenizer, columns }: Dataset): Record<string, string> {
  const present = Object.entries({ normalization, tokenizer, columns }).filter(
    ([, value]) => value !== undefined,
  );
  return Object.fromEntries(present.map(([name, value]) => [name, JSON.stringify(value)]));
}

async function testScores(network: Network, dataset: Dataset, { store, pause }: StageContext) {
  const [logits] = await predict(network, dataset, dataset.test, pause);
  const predictions = { logits, labels: dataset.test.labels, classes: dataset.classes.length };
  return {
    testAccuracy: accuracy(predictions),
    testLoss: crossEntropyLoss(predictions),
    expectedCalibrationError: expectedCalibrationError(predictions),
    logits: await store.put(new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength)),
  };
}
