import type { Dataset } from '@distillery/datasets';
import { createOptimizer, gradientsOf, type Tensors } from '@distillery/engine';
import { DistilleryError, type Scheduled, type TermResult, type Training, valueAt } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { batchesAhead } from './batches/batch-ahead.ts';
import type { Batch, BatchRequest, TeacherRows } from './batches/batch-thread.ts';
import { epochOrder } from './batches/batches.ts';
import type { Checkpoint, Cursor } from './checkpoint.ts';
import { predict } from './evaluate.ts';
import { createAuxiliaries, methodLoss, studentTaps, type WeightedTerm } from './method.ts';
import { assignValues, disposeNetwork, type Network, readValues, trainable, type Values } from './network.ts';
import { preflight } from './preflight.ts';
import { runningLosses } from './running-losses.ts';
import { learningRate } from './schedule.ts';
import { accuracy, crossEntropyLoss } from './scores.ts';
import { runTaps } from './taps.ts';

export interface TrainingRun {
  /** Its weights are trained in place; at the end they are the last epoch's. */
  network: Network;
  method: readonly WeightedTerm[];
  dataset: Dataset;
  /** Indices into the training split. */
  indices: { train: Int32Array; validation: Int32Array };
  training: Training;
  /** Keys the order of images, dropout and the auxiliary networks' first weights. */
  seed: number;
  /** The teacher's stored taps; absent where the method reads none. */
  teacher?: TeacherRows;
  /** Makes the taps that the method reads of the stored ones; absent where they are these. */
  combine?: (taps: Tensors, labels: tf.Tensor1D) => Tensors;
  /** What the names of networks that train side by side begin with; absent where there is one. */
  members?: readonly string[];
  /** The teacher's parameters that the method reads; the caller's. */
  teacherParameters?: Record<string, tf.Tensor>;
  /** Weights of auxiliary networks that were trained before, `<term>.<auxiliary>/<parameter>`. */
  pretrained?: Values;
  /** Views of the augmentation that are cycled; Infinity: a new one each epoch. */
  views: number;
  resume: Checkpoint | undefined;
  /** Within an epoch a checkpoint is committed with the first row at which the last one is so old. */
  checkpoints: { everySeconds: number; everySteps?: number | undefined };
  hooks: TrainingHooks;
}

interface TrainingHooks {
  /** A line of the training curve; `epoch` and `step` are counted from 1, before the first they are 0. */
  metrics(epoch: number, step: number, values: Record<string, number>): void;
  progress(
    phase: string,
    cursor: { step: number; loss: number | null; samplesPerSecond: number | null },
  ): void;
  warning(message: string): void;
  checkpoint(checkpoint: Checkpoint): Promise<void>;
  /** Lets the process read its messages; throws when the run must stop. */
  pause(): Promise<void>;
}

export interface TrainingResult {
  lastEpoch: number;
  /** By member; each has its own best epoch. */
  best: Record<string, { epoch: number; validationAccuracy: number | null }>;
  /** The weights of the best epochs. */
  bestValues: Values;
  terms: TermResult[];
  /** The last epoch's mean of each term, before its weight. */
  losses: Record<string, number>;
  /** By member. */
  lastValidationAccuracy: Record<string, number | null>;
  /** Seconds of training, over all attempts. */
  seconds: number;
}

/** Why a stage's signal is aborted. Thrown by `pause` of the hooks it ends a run at a step; the loop commits a checkpoint first. */
export class StopTraining extends Error {}

/**
 * Trains a network: teacher, student and control alike.
 *
 * @throws DistilleryError `preflight_failed` before the first step, `nan` when losses or weights are no numbers any
 *   more; the checkpoint before stands
 */
export async function train(job: TrainingRun): Promise<TrainingResult> {
  const { network, method, dataset, indices, training, seed, hooks, resume, members = [''] } = job;
  const { batchSize, epochs } = training;
  const { everySeconds, everySteps = Infinity } = job.checkpoints;
  const stepsPerEpoch = Math.ceil(indices.train.length / batchSize);
  const rowEvery = Math.max(1, Math.ceil(stepsPerEpoch / 20));
  const lossNames = [...method.map((term) => term.name), 'loss'];
  const taps = studentTaps(method);
  const schedules = method.flatMap(({ name, schedules = {} }) =>
    Object.entries(schedules).map(([option, schedule]) => [`${option}_${name}`, schedule] as const),
  );

  const auxiliaries = createAuxiliaries(method, resume?.groups.auxiliary ?? seed, job.pretrained);
  const auxiliaryVariables = Object.fromEntries(
    Object.entries(auxiliaries).flatMap(([prefix, { variables }]) =>
      Object.entries(variables).map(([name, variable]) => [`${prefix}/${name}`, variable]),
    ),
  );
  const trained = {
    ...trainable(network),
    ...Object.fromEntries(Object.entries(auxiliaryVariables).filter(([, variable]) => variable.trainable)),
  };
  // One for each member: gradients are clipped to a member's own norm, auxiliary networks with it.
  const optimizers = members.map((member) => {
    const own = Object.fromEntries(Object.entries(trained).filter(([name]) => name.startsWith(member)));
    return {
      names: Object.keys(own),
      ...createOptimizer(training.optimizer, own, training.gradientClip),
    };
  });
  let best: Values | undefined;
  let cursor: Cursor = {
    step: 0,
    terms: [],
    sums: noSums(),
    samples: 0,
    validationAccuracy: {},
    best: {},
    losses: {},
    seconds: 0,
  };
  if (resume !== undefined) {
    cursor = structuredClone(resume.cursor);
    assignValues(network.variables, resume.groups.weights);
    for (const optimizer of optimizers) optimizer.restore(resume.groups.slots ?? {});
    best = resume.groups.best;
  }

  const earlierSeconds = cursor.seconds;
  const begun = performance.now();
  const running = runningLosses(lossNames, stepsPerEpoch);
  let rowSince = performance.now();
  let saved = { at: performance.now(), step: cursor.step };

  try {
    // It was stopped while it looked at an epoch whose steps were done.
    if (cursor.samples > 0 && cursor.step % stepsPerEpoch === 0)
      await endEpoch(cursor.step / stepsPerEpoch - 1);
    const { augmentation } = training;
    const source = { dataset, split: dataset.train, augmentation, teacher: job.teacher };
    for await (const batch of batchesAhead(source, remaining(cursor.step))) {
      // A run that resumes keeps what was measured when it began.
      if (cursor.step === 0) lookAhead(batch);
      const epoch = Math.floor(cursor.step / stepsPerEpoch);
      const rate = learningRate(
        training.schedule,
        training.optimizer.learningRate,
        cursor.step,
        stepsPerEpoch,
        epochs,
      );
      running.add(step(batch, rate), batch.size);
      cursor.step++;
      const epochEnds = cursor.step % stepsPerEpoch === 0;
      const rowEnds = cursor.step % rowEvery === 0 || epochEnds;
      if (rowEnds) row(epoch, rate);
      if (epochEnds) {
        await endEpoch(epoch);
        await hooks.pause();
      } else {
        // With a row, when the epoch's sums are whole: a save changes nothing of what is trained or told.
        if (rowEnds && isDue()) await save();
        await pause();
      }
    }
  } finally {
    running.dispose();
    for (const auxiliary of Object.values(auxiliaries)) disposeNetwork(auxiliary);
    for (const optimizer of optimizers) optimizer.dispose();
  }

  return {
    lastEpoch: epochs,
    best: Object.fromEntries(
      members.map((member) => [member, cursor.best[member] ?? { epoch: epochs, validationAccuracy: null }]),
    ),
    bestValues: best ?? readValues(network.variables),
    terms: cursor.terms,
    losses: cursor.losses,
    lastValidationAccuracy: Object.fromEntries(
      members.map((member) => [member, cursor.validationAccuracy[member] ?? null]),
    ),
    seconds: elapsed(),
  };

  /** The batches from a step to the end of the last epoch. */
  function* remaining(from: number): Generator<BatchRequest> {
    let order: Int32Array | undefined;
    for (let step = from; step < epochs * stepsPerEpoch; step++) {
      const [epoch, at] = [Math.floor(step / stepsPerEpoch), step % stepsPerEpoch];
      if (at === 0 || order === undefined) order = epochOrder(indices.train, seed, epoch);
      yield {
        indices: order.subarray(at * batchSize, (at + 1) * batchSize),
        view: epoch % job.views,
      };
    }
  }

  /** Looks at the method before the first step: what is wrong with it shows here, by name. */
  function lookAhead(batch: Batch): void {
    const tensors = tensorsOf(batch);
    try {
      cursor.terms = preflight({
        network,
        method,
        auxiliaries,
        trained,
        members,
        ...tensors,
        teacherParameters: job.teacherParameters ?? {},
        classes: dataset.classes.length,
        pass: { training: { seed, step: 0 }, precision: training.precision },
        warn: hooks.warning,
      });
    } finally {
      tf.dispose(tensors);
    }
    const norms: Record<string, number> = {};
    for (const { name, gradientNorm } of cursor.terms) norms[`gradient_norm_${name}`] = gradientNorm;
    hooks.metrics(0, 0, norms);
  }

  function tensorsOf(batch: Batch) {
    return tf.tidy(() => {
      const labels = tf.tensor1d(batch.labels, 'int32');
      const stored = Object.fromEntries(
        Object.entries(batch.teacher).map(([tap, { values, shape }]) => [
          tap,
          tf.tensor(values, [batch.size, ...shape]),
        ]),
      );
      return {
        images: tf.tensor(batch.inputs, [batch.size, ...dataset.shape]),
        labels,
        indices: tf.tensor1d(batch.indices, 'int32'),
        teacher: job.combine?.(stored, labels) ?? stored,
      };
    });
  }

  /** One optimizer step; returns the terms and their weighted sum, `[terms + 1]`. */
  function step(batch: Batch, rate: number): tf.Tensor {
    const pass = { training: { seed, step: cursor.step }, precision: training.precision };
    const at = (option: Scheduled) => valueAt(option, cursor.step / stepsPerEpoch);
    let losses: tf.Tensor | undefined;
    const statistics: Record<string, tf.Tensor> = {};
    const { value, gradients } = tf.tidy(() => {
      const { images, labels, indices: own, teacher } = tensorsOf(batch);
      return gradientsOf(() => {
        const student = runTaps(network, { images, labels }, { ...pass, taps });
        const classes = dataset.classes.length;
        const loss = methodLoss(
          method,
          cursor.terms.map(({ weight }) => at(weight)),
          auxiliaries,
          {
            student: student.taps,
            teacher,
            labels,
            indices: own,
            classes,
            at,
            studentParameters: network.variables,
            teacherParameters: job.teacherParameters ?? {},
          },
          pass,
        );
        Object.assign(statistics, student.statistics, loss.statistics);
        losses = tf.keep(tf.stack([...loss.terms, loss.total]));
        return loss.total as tf.Scalar;
      }, trained);
    });
    value.dispose();
    for (const { names, apply } of optimizers) {
      const own = Object.fromEntries(names.map((name) => [name, gradients[name]]));
      apply(own, { rate, step: cursor.step + 1 });
    }
    for (const [name, statistic] of Object.entries(statistics)) {
      (network.variables[name] ?? auxiliaryVariables[name]).assign(statistic);
      statistic.dispose();
    }
    return losses as tf.Tensor;
  }

  /** Adds what has gathered on the device to the epoch's sums and returns it. */
  function gather(): { sums: Float32Array; samples: number } {
    const gathered = running.read(cursor.step);
    gathered.sums.forEach((sum, index) => {
      cursor.sums[index] += sum;
    });
    cursor.samples += gathered.samples;
    return gathered;
  }

  /** Logs the means of the losses since the last row, and stops a run that diverged. */
  function row(epoch: number, rate: number): void {
    const { sums, samples } = gather();
    const means = lossNames.map((name, index) => [name, sums[index] / samples] as const);
    const now = performance.now();
    const samplesPerSecond = (samples / (now - rowSince)) * 1000;
    rowSince = now;
    const values = Object.fromEntries(means);
    // As the last step had them, like the learning rate.
    const then = (cursor.step - 1) / stepsPerEpoch;
    const scheduled = Object.fromEntries(schedules.map(([name, option]) => [name, valueAt(option, then)]));
    hooks.metrics(epoch + 1, cursor.step, { ...values, ...scheduled, learningRate: rate, samplesPerSecond });
    hooks.progress('training', { step: cursor.step, loss: values.loss, samplesPerSecond });
  }

  async function endEpoch(epoch: number): Promise<void> {
    const means = Object.fromEntries(lossNames.map((name, i) => [name, cursor.sums[i] / cursor.samples]));
    const values: Record<string, number> = { tensors: tf.memory().numTensors };
    for (const [name, value] of Object.entries(means)) values[`epoch_${name}`] = value;
    if (indices.validation.length > 0) {
      hooks.progress('evaluating', { step: cursor.step, loss: means.loss, samplesPerSecond: null });
      const classes = dataset.classes.length;
      const predictions = await predict(
        network,
        dataset,
        dataset.train,
        pause,
        indices.validation,
        members.map((member) => `${member}logits`),
      );
      const labels = indices.validation.map((index) => dataset.train.labels[index]);
      for (const [index, member] of members.entries()) {
        const scored = { logits: predictions[index], labels, classes };
        const share = accuracy(scored);
        cursor.validationAccuracy[member] = share;
        values[`${member}validation_accuracy`] = share;
        values[`${member}validation_loss`] = crossEntropyLoss(scored);
        // Of equal epochs the first: later ones were not worth their time.
        if (share <= (cursor.best[member]?.validationAccuracy ?? -1)) continue;
        cursor.best[member] = { epoch: epoch + 1, validationAccuracy: share };
        const own = Object.entries(network.variables).filter(([name]) => name.startsWith(member));
        best = { ...best, ...readValues(Object.fromEntries(own)) };
      }
    }
    hooks.metrics(epoch + 1, cursor.step, values);
    cursor.losses = means;
    cursor.sums = noSums();
    cursor.samples = 0;
    await save();
    rowSince = performance.now();
  }

  async function pause(): Promise<void> {
    try {
      await hooks.pause();
    } catch (error) {
      // Between rows the running losses are still on the device; the epoch's sums take them along.
      if (error instanceof StopTraining) {
        gather();
        await save();
      }
      throw error;
    }
  }

  /** Leaves the checkpoint before in place when what would take its place is no good. */
  async function save(): Promise<void> {
    const weights = readValues(network.variables);
    const auxiliary = readValues(auxiliaryVariables);
    const bad = Object.entries({ ...weights, ...auxiliary }).find(
      ([, values]) => !values.every(Number.isFinite),
    );
    if (bad !== undefined) {
      const message = `${bad[0]} is not finite after step ${cursor.step}, though every loss was; try a smaller learning rate`;
      throw new DistilleryError('nan', message);
    }
    await hooks.checkpoint({
      cursor: structuredClone({ ...cursor, seconds: elapsed() }),
      groups: {
        weights,
        auxiliary,
        slots: Object.assign({}, ...optimizers.map(({ read }) => read())) as Values,
        ...(best === undefined ? {} : { best }),
      },
    });
    saved = { at: performance.now(), step: cursor.step };
  }

  function isDue(): boolean {
    return performance.now() - saved.at >= everySeconds * 1000 || cursor.step - saved.step >= everySteps;
  }

  function noSums(): number[] {
    return lossNames.map(() => 0);
  }

  function elapsed(): number {
    return earlierSeconds + (performance.now() - begun) / 1000;
  }
}
