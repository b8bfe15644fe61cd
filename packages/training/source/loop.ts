import { gradientNorms, preflight } from './preflight.ts';
import * as tf from '@tensorflow/tfjs-core';
import { batchesAhead } from './batches/batch-ahead.ts';
import type { Batch, BatchRequest } from './batches/batch-thread.ts';
import { epochOrder } from './batches/batches.ts';
import { balancedOrder } from './class-balance.ts';
import { toDevice } from './device-batch.ts';
import {
  checkpointOf,
  componentsOf,
  disposeSession,
  nextNumbers,
  openSession,
  restoreSession,
  resultOf,
  type Session,
} from './session.ts';
import { endsEpoch, endsRow } from './step-numbers.ts';
import { StopTraining, type TrainingResult, type TrainingRun } from './training-run.ts';

/**
 * Trains networks: teachers, students, controls, peers and auxiliary networks alike.
 *
 * @throws DistilleryError `preflight_failed` before the first step; `nan` when losses or weights are no longer finite, in
 *   which case the previous checkpoint is kept
 */
export async function train(run: TrainingRun): Promise<TrainingResult> {
  const session = openSession(run);
  try {
    const { table } = session;
    if (run.resume !== undefined) restoreSession(session, run.resume);
    // The run was stopped while it evaluated a completed epoch.
    if (session.losses.ofEpoch() !== undefined && endsEpoch(table, session.step)) await endEpoch(session);
    const { dataset, training, teacher } = run;
    const source = {
      dataset,
      split: dataset.train,
      augmentation: training.augmentation,
      pool: run.indices.train,
      teacher: teacher?.rows,
    };
    for await (const batch of batchesAhead(source, remainingBatches(session))) {
      trainOn(session, batch);
      if (endsEpoch(table, session.step)) {
        await endEpoch(session);
        await run.hooks.pause();
      } else {
        // Save at the end of a row, where the losses have been read: saving then does not change them.
        if (endsRow(table, session.step) && isDue(session)) await save(session);
        await pause(session);
      }
    }
    return resultOf(session);
  } finally {
    disposeSession(session);
  }
}

/** Every batch from the next step to the end of the last epoch. */
function* remainingBatches({ run, table, step: from }: Session): Generator<BatchRequest> {
  const { batchSize } = run.training;
  let order: Int32Array | undefined;
  for (let step = from; step < run.until * table.stepsPerEpoch; step++) {
    const [epoch, at] = [Math.floor(step / table.stepsPerEpoch), step % table.stepsPerEpoch];
    if (at === 0 || order === undefined) order = orderOf(run, epoch);
    yield { indices: order.subarray(at * batchSize, (at + 1) * batchSize), view: epoch % run.views };
  }
}

/** The samples of an epoch, in their order. */
function orderOf({ indices, dataset, training, seed }: TrainingRun, epoch: number): Int32Array {
  const { labels, reader } = dataset.train;
  if (training.sampling === 'balanced') return balancedOrder(indices.train, labels, seed, epoch);
  return epochOrder(indices.train, seed, epoch, reader.window);
}

/** Takes the step of a batch. */
function trainOn(session: Session, batch: Batch): void {
  const { run, measured, losses } = session;
  const tensors = toDevice(batch, run.dataset, run.teacher);
  try {
    if (session.step === 0) {
      measured.results = preflight({ ...session, warn: run.hooks.warning }, tensors);
      run.hooks.metrics(0, 0, gradientNorms(session.terms, measured.results));
    }
    const numbers = nextNumbers(session);
    session.numbers.set(numbers);
    losses.add(session.steps.take(tensors), batch.size);
    session.step++;
    const step = { numbers, rowEnds: endsRow(session.table, session.step) };
    for (const { component } of componentsOf(session)) component.afterStep?.(step);
  } finally {
    tf.dispose(tensors);
  }
}

/** Evaluates an epoch, writes its row of metrics and commits a checkpoint. */
async function endEpoch(session: Session): Promise<void> {
  const { run, table, step, losses } = session;
  const means = losses.ofEpoch() ?? {};
  const row: Record<string, number> = { tensors: tf.memory().numTensors };
  for (const [name, mean] of Object.entries(means)) row[`epoch_${name}`] = mean;
  if (run.indices.validation.length > 0)
    run.hooks.progress('evaluating', { step, loss: means.loss, samplesPerSecond: null });
  const end = { epoch: step / table.stepsPerEpoch, step, pause: () => pause(session) };
  for (const { component } of componentsOf(session)) Object.assign(row, await component.afterEpoch?.(end));
  run.hooks.metrics(end.epoch, step, row);
  losses.closeEpoch();
  await save(session);
  session.curve.restartClock();
}

/** Lets the process handle messages. A run that must stop saves a checkpoint first. */
async function pause(session: Session): Promise<void> {
  try {
    await session.run.hooks.pause();
  } catch (error) {
    if (error instanceof StopTraining) await save(session);
    throw error;
  }
}

async function save(session: Session): Promise<void> {
  await session.run.hooks.checkpoint(checkpointOf(session));
  session.saved = { at: performance.now(), step: session.step };
}

function isDue({ run, saved, step }: Session): boolean {
  const { everySeconds, everySteps = Infinity } = run.checkpoints;
  return performance.now() - saved.at >= everySeconds * 1000 || step - saved.step >= everySteps;
}
