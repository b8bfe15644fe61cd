/**
 * Training steps with `train` of packages/training, as the trainer runs them. A distillation reads the teacher's logits
 * from the store, where the outputs stage has written them; that writing is not measured.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '@distillery/store';
import type { Dataset } from '@distillery/datasets';
import { trace } from '@distillery/engine';
import { architectures, bind } from '@distillery/models';
import { type Training, trainingSchema } from '@distillery/spec';
import { train } from '@distillery/training/loop';
import { bindMethod } from '@distillery/training/method';
import { createNetwork, disposeNetwork } from '@distillery/training/network';
import { randomLogits } from '@distillery/training/testing';
import { accepted } from './accepted.ts';
import type { Precision } from './protocol.ts';

export const batchSize = 128;

const crossEntropy = { type: 'cross_entropy', labelSmoothing: 0 };
const softTarget = { type: 'soft_target', temperature: 2, standardize: false };

export interface Steps {
  /** Milliseconds from the end of one step to the end of the next; the last also ends the epoch. */
  each: number[];
  /** The time of the whole epoch. */
  total: number;
}

/** Runs steps with a new network and the images of one data set. */
export function stepper(dataset: Dataset) {
  const classes = dataset.classes.length;
  const forwardOf = (type: string) => bind(architectures.get(type), { type, dropout: 0.1 }, { classes });
  let rows: Awaited<ReturnType<typeof randomLogits>> | undefined;

  /** @throws DistilleryError when this version or machine does not train in that precision */
  return async function take(
    task: 'teacher' | 'student' | 'distill',
    precision: Precision,
    count: number,
  ): Promise<Steps> {
    const training = accepted(trainingSchema, { epochs: 1, batchSize, ...inPrecision(precision) });
    const network = createNetwork(forwardOf(task === 'teacher' ? 'deepnn' : 'lightnn'), dataset.shape, 1);
    try {
      return await epoch(task, network, training, count);
    } finally {
      disposeNetwork(network);
    }
  };

  async function epoch(
    task: 'teacher' | 'student' | 'distill',
    network: ReturnType<typeof createNetwork>,
    training: Training,
    count: number,
  ): Promise<Steps> {
    const choices =
      task === 'distill'
        ? [
            { ...softTarget, weight: 0.25 },
            { ...crossEntropy, weight: 0.75 },
          ]
        : [{ ...crossEntropy, weight: 1 }];
    const method = bindMethod(choices, network.plan, trace(forwardOf('deepnn'), dataset.shape));
    if (task === 'distill') rows ??= await storedLogits(dataset.train.count, classes);
    const each: number[] = [];
    const begun = performance.now();
    let last = begun;
    await train({
      members: [{ name: '', network, method, seed: 1 }],
      dataset,
      // An epoch with the requested number of steps, or fewer if there are too few images.
      indices: {
        train: Int32Array.from({ length: count * batchSize }, (_, index) => index % dataset.train.count),
        validation: new Int32Array(),
      },
      training,
      seed: 1,
      views: 1,
      ...(task === 'distill' && rows !== undefined ? { teacher: rows } : {}),
      resume: undefined,
      checkpoints: { everySeconds: 60 },
      hooks: {
        metrics: () => {},
        progress: () => {},
        warning: () => {},
        checkpoint: async () => {},
        async pause() {
          const now = performance.now();
          each.push(now - last);
          last = now;
        },
      },
    });
    return { each, total: performance.now() - begun };
  }
}

/** Returns the training options of a precision. The default is left out, so that older versions accept them. */
export function inPrecision(precision: Precision): { precision?: Precision } {
  return precision === 'float32' ? {} : { precision };
}

/** Random numbers replace the teacher's logits, because the time of a step does not depend on them. */
async function storedLogits(count: number, classes: number) {
  const folder = mkdtempSync(join(tmpdir(), 'distillery-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return await randomLogits(await openStore(folder), count, classes);
}
