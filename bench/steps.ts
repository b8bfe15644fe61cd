/**
 * Training steps with `train` of packages/training, as the trainer runs them. A distillation reads the teacher's outputs
 * from the store, where the outputs stage has written them; that writing is not measured.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '@distillery/store';
import { trainingSchema } from '@distillery/training';
import { train } from '@distillery/training/loop';
import { createNetwork } from '@distillery/training/network';
import { randomRows } from '@distillery/training/testing';
import { accepted } from './accepted.ts';
import { readInputs } from './inputs.ts';
import { describedStudent, forwardOf, methodOf, networks, type StepTask, teacherTaps } from './networks.ts';
import type { Precision, Work } from './protocol.ts';

/** The number of steps of the epoch, of which a benchmark takes a part. */
const longest = 4000;

/** Takes training steps, each call from where the last one ended. */
export type Take = (count: number) => Promise<number[]>;

/**
 * Prepares a training that waits between the calls of `take`, so that a step of a later round is like the next step of a
 * long training. A call returns the milliseconds of each step, from the end of the one before.
 *
 * @throws DistilleryError when this version or machine does not train so; `take` throws it, too
 */
export async function stepper(work: Work & { task: StepTask }): Promise<Take> {
  const { network: name, task, precision, batch: batchSize } = work;
  const training = accepted(trainingSchema, { epochs: 1, batchSize, ...inPrecision(precision) });
  const dataset = readInputs(work.inputs);
  const described = networks[name];
  const method = methodOf(described, task);
  const members = Array.from({ length: work.students ?? 1 }, (_, index) => ({
    name: index === 0 ? '' : `student${index}`,
    network: createNetwork(forwardOf(describedStudent(described)), dataset.shape, 1 + index),
    method,
    seed: 1 + index,
  }));
  const teacher = await storedRows(teacherTaps(described, method), dataset.train.count, batchSize);
  const turns = turnstile();
  let ended: Promise<never> | undefined;
  const run = async (): Promise<never> => {
    await train({
      members,
      dataset,
      indices: {
        train: Int32Array.from({ length: longest * batchSize }, (_, index) => index % dataset.train.count),
        validation: new Int32Array(),
      },
      training,
      until: training.epochs,
      seed: 1,
      views: 1,
      teacher,
      resume: undefined,
      checkpoints: { everySeconds: Number.POSITIVE_INFINITY },
      hooks: {
        metrics: () => {},
        progress: () => {},
        warning: () => {},
        checkpoint: async () => {},
        pause: () => turns.pause(),
      },
    });
    throw new RangeError(`a benchmark takes at most ${longest} steps of a training`);
  };
  return async (count) => {
    const taken = turns.take(count);
    ended ??= run();
    return await Promise.race([taken, ended]);
  };
}

/** Lets a training take as many steps as are wanted, and makes it wait at their end. */
function turnstile() {
  let wanted = 0;
  let last = 0;
  let each: number[] = [];
  let answer: (milliseconds: number[]) => void = () => {};
  let resume: () => void = () => {};
  return {
    /** Is called after every step. */
    async pause(): Promise<void> {
      const now = performance.now();
      each.push(now - last);
      last = now;
      if (each.length < wanted) return;
      await new Promise<void>((resolve) => {
        resume = resolve;
        answer(each);
      });
      last = performance.now();
    },
    async take(count: number): Promise<number[]> {
      [wanted, each, last] = [count, [], performance.now()];
      const taken = new Promise<number[]>((resolve) => {
        answer = resolve;
      });
      resume();
      return await taken;
    },
  };
}

/** Returns the training options of a precision. The default is left out, so that older versions accept them. */
export function inPrecision(precision: Precision): { precision?: Precision } {
  return precision === 'float32' ? {} : { precision };
}

/** Random numbers replace the teacher's outputs, because the time of a step does not depend on them. */
async function storedRows(taps: Record<string, number[]>, count: number, distinct: number) {
  const folder = mkdtempSync(join(tmpdir(), 'distillery-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return await randomRows(await openStore(folder), count, taps, distinct);
}
