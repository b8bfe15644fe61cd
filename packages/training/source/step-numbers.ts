import { readsVarying } from '@distillery/engine';
import { type Scheduled, type Training, valueAt } from '@distillery/spec';
import { learningRate } from './schedule.ts';

/** The position of a step within the run. */
export interface StepMoment {
  /** The number of completed steps, which keys the random streams. */
  step: number;
  /** The number of completed epochs, with the fraction of the current one, at which schedules are evaluated. */
  epoch: number;
}

/** The numbers that differ from step to step, beside the batch. They are computed on the host before the step. */
export interface StepNumbers extends StepMoment {
  /** The learning rate. */
  rate: number;
  /** The current weight of each term, in the order of the session's terms. */
  weights: readonly number[];
}

/** The numbers of the current step. A step reads them through `feed` alone, so that it can be compiled. */
export class CurrentNumbers implements StepNumbers {
  private now: StepNumbers = { step: 0, epoch: 0, rate: 0, weights: [] };

  set(now: StepNumbers): void {
    this.now = now;
  }

  get step(): number {
    return this.read('step');
  }
  get epoch(): number {
    return this.read('epoch');
  }
  get rate(): number {
    return this.read('rate');
  }
  get weights(): readonly number[] {
    return this.read('weights');
  }

  private read<K extends keyof StepNumbers>(name: K): StepNumbers[K] {
    readsVarying(name);
    return this.now[name];
  }
}

/** How the steps of a run are divided into rows of metrics and epochs. */
export interface Timetable {
  training: Training;
  stepsPerEpoch: number;
}

export function timetable(training: Training, images: number): Timetable {
  return { training, stepsPerEpoch: Math.ceil(images / training.batchSize) };
}

/** @param weights the weights of the terms: numbers or schedules */
export function numbersOf(
  { training, stepsPerEpoch }: Timetable,
  step: number,
  weights: readonly Scheduled[],
): StepNumbers {
  const { schedule, optimizer, epochs } = training;
  const epoch = step / stepsPerEpoch;
  return {
    step,
    epoch,
    rate: learningRate(schedule, optimizer.learningRate, step, stepsPerEpoch, epochs),
    weights: weights.map((weight) => valueAt(weight, epoch)),
  };
}

/** Whether a completed step ends an epoch. */
export function endsEpoch({ stepsPerEpoch }: Timetable, step: number): boolean {
  return step % stepsPerEpoch === 0;
}

/** Whether a completed step ends a row of metrics; there are about 20 in an epoch. */
export function endsRow(table: Timetable, step: number): boolean {
  return step % Math.max(1, Math.ceil(table.stepsPerEpoch / 20)) === 0 || endsEpoch(table, step);
}
