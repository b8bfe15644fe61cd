import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '@distillery/store';
import { type Dataset, memorySplit } from '@distillery/datasets';
import { type Forward, randomStream, startEngine, trace } from '@distillery/engine';
import { type BoundTerm, terms } from '@distillery/methods';
import type { Choice, Scheduled, TermResult } from '@distillery/spec';
import { trainingSchema } from './kinds.ts';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { everyIndex } from './batches/batches.ts';
import type { Checkpoint } from './checkpoint.ts';
import { bindMethod, type WeightedTerm } from './method.ts';
import { componentKinds, componentName } from './components/index.ts';
import { createNetwork, disposeNetwork, readValues } from './network.ts';
import { average, averageChoice, towardsAverage } from './testing/average-teacher.ts';
import { randomRows } from './testing/teacher-rows.ts';
import { train } from './loop.ts';
import type { TeacherTaps } from './teacher-taps.ts';
import { StopTraining, type TrainingResult } from './training-run.ts';

// Two images a step make 25 steps an epoch: losses are read after every second one, and after the last.
const [count, batchSize, classes] = [50, 2, 3];
const stepsPerEpoch = count / batchSize;
const stream = randomStream(1, 'train.test');
const split = (images: number) =>
  memorySplit(
    {
      inputs: Uint8Array.from({ length: images * 32 }, () => stream.below(256)),
      labels: Int32Array.from({ length: images }, (_, i) => i % classes),
    },
    { shape: [4, 4, 2], bytes: 32, digest: `${images} random images` },
  );
const dataset: Dataset = {
  digest: 'random',
  classes: ['a', 'b', 'c'],
  shape: [4, 4, 2],
  train: split(count),
  test: split(3),
  skipped: { count: 0, first: [] },
  normalization: { mean: [0.5, 0.5], std: [0.3, 0.3] },
};
const forward: Forward = (net, image) => {
  const hidden = net.relu(net.linear('one', net.flatten(image), { out: 8 }));
  return net.tap('logits', net.linear('two', net.dropout('drop', hidden, 0.2), { out: classes }));
};

let folder: string;
let teacher: TeacherTaps;
beforeAll(async () => {
  await startEngine();
  folder = await mkdtemp(join(tmpdir(), 'distillery-train-'));
  const store = await openStore(folder);
  teacher = await randomRows(store, count, { logits: [classes] });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The reports of a run, whether or not it completed. */
interface Run {
  rows: { epoch: number; step: number; values: Record<string, number> }[];
  checkpoints: Checkpoint[];
  weights: Record<string, Float32Array>;
  result: TrainingResult | undefined;
  error: unknown;
}

/** @param pause is called after every step with the number of steps done */
async function trained(
  method: readonly WeightedTerm[],
  {
    epochs = 2,
    resume = undefined as Checkpoint | undefined,
    everySeconds = 60,
    validation = 0,
    pause = undefined as ((step: number, phase: string) => void) | undefined,
  } = {},
): Promise<Run> {
  const before = tf.memory().numTensors;
  const network = createNetwork(forward, dataset.shape, 1);
  const run: Run = { rows: [], checkpoints: [], weights: {}, result: undefined, error: undefined };
  let steps = resume?.cursor.step ?? 0;
  let phase = '';
  try {
    run.result = await train({
      members: [{ name: '', network, method, seed: 5 }],
      dataset,
      indices: { train: everyIndex(count), validation: everyIndex(validation).map((index) => index % count) },
      training: trainingSchema.parse({ epochs, batchSize }),
      until: epochs,
      seed: 5,
      views: 1,
      teacher,
      resume,
      checkpoints: { everySeconds },
      hooks: {
        metrics: (epoch, step, values) => run.rows.push({ epoch, step, values }),
        progress: (now) => {
          phase = now;
        },
        warning: () => {},
        checkpoint: async (checkpoint) => {
          run.checkpoints.push(checkpoint);
        },
        pause: async () => pause?.(++steps, phase),
      },
    });
  } catch (error) {
    run.error = error;
    run.result = undefined;
  }
  run.weights = readValues(network.variables);
  disposeNetwork(network);
  expect(tf.memory().numTensors).toBe(before);
  return run;
}

function bound(...choices: object[]): WeightedTerm[] {
  const plan = trace(forward, dataset.shape);
  return bindMethod(
    choices.map((choice) => terms.schema.parse(choice) as Choice),
    plan,
    plan,
  );
}
componentKinds.add(average);
terms.add(towardsAverage);
terms.add({
  ...towardsAverage,
  type: 'unregistered_component',
  component: () => ({ type: 'unregistered' }),
});
const [labels] = bound({ type: 'cross_entropy' });

/** A term that no registry knows. */
function own(name: string, loss: BoundTerm['loss']): WeightedTerm {
  return {
    name,
    weight: 1,
    bound: { student: ['logits'], teacher: [], matching: false, auxiliary: {}, loss },
  };
}

/** Completed epochs, as a term can know them. */
const clock: Scheduled = { schedule: 'linear', from: 0, to: 1000, epochs: 1000 };

describe('a schedule', () => {
  test('changes with every step, and has the documented values within an epoch', async () => {
    const seen: number[] = [];
    const watch = own('watch', ({ student, at }) => {
      seen.push(...(at(clock) as tf.Scalar).dataSync());
      return tf.sum(student.logits);
    });
    await trained([labels, { ...watch, weight: 0 }]);
    // The preflight runs before the first step.
    expect(seen).toEqual([
      0,
      ...Array.from({ length: 2 * stepsPerEpoch }, (_, step) => Math.fround(step / stepsPerEpoch)),
    ]);
  });

  test('weighs the loss that is trained', async () => {
    const weight = { schedule: 'step', value: 2, milestones: [1], gamma: 0.25 };
    const { rows } = await trained(bound({ type: 'cross_entropy', weight }));
    const ratios = rows
      .filter(({ values }) => 'learningRate' in values)
      .map(({ epoch, values }) => [epoch, Number((values.loss / values.cross_entropy).toFixed(4))]);
    expect(new Set(ratios.map(String))).toEqual(new Set(['1,2', '2,0.5']));
  });

  test('trains features first and labels afterwards', async () => {
    const phase = (first: number, second: number) => ({
      schedule: 'piecewise',
      values: [first, second],
      milestones: [1],
    });
    const phases = () =>
      bound({ type: 'soft_target', weight: phase(1, 0) }, { type: 'cross_entropy', weight: phase(0, 1) });
    const alone = bound({ type: 'soft_target' });
    const [first, both] = [await trained(phases(), { epochs: 1 }), await trained(phases())];
    // The first phase is the term alone; the second one moves the student by its labels.
    const { weights } = await trained(alone, { epochs: 1 });
    expect(first.weights).toEqual(weights);
    const ratios = both.rows
      .filter(({ values }) => 'learningRate' in values)
      .map(({ epoch, values: { loss, soft_target, cross_entropy } }) =>
        Math.abs(loss - (epoch === 1 ? soft_target : cross_entropy)),
      );
    expect(Math.max(...ratios)).toBeLessThan(1e-5);
  });

  test('that is constant trains the same bytes as its number', async () => {
    const method = (number: (value: number) => unknown) =>
      bound({ type: 'soft_target', weight: number(0.25), temperature: number(2) }, { type: 'cross_entropy' });
    const plain = await trained(method((value) => value));
    const constant = await trained(method((value) => ({ schedule: 'constant', value })));
    const ramp = await trained(method((to) => ({ schedule: 'linear', from: 1, to, epochs: 2 })));
    expect(constant.weights).toEqual(plain.weights);
    expect(ramp.weights).not.toEqual(plain.weights);
  });
});

test('a weight that was found is kept over a stop: the same bytes', async () => {
  const method = bound({ type: 'soft_target', weight: 'auto' }, { type: 'cross_entropy' });
  const whole = await trained(method);
  const cut = await trained(method, {
    pause: (step) => {
      if (step === 31) throw new StopTraining('stop');
    },
  });
  expect(cut.error).toBeInstanceOf(StopTraining);
  const resume = cut.checkpoints.at(-1);
  expect(resume?.cursor.step).toBe(31);
  const rest = await trained(method, { resume });
  expect(rest.error).toBeUndefined();
  expect(rest.weights).toEqual(whole.weights);
  expect(rest.rows.some(({ step }) => step === 0)).toBe(false);
  // Another number would have led elsewhere.
  const { facts, ...kept } = resume as Checkpoint;
  const [soft, other] = facts.terms as TermResult[];
  const changed = { ...kept, facts: { ...facts, terms: [{ ...soft, weight: 0.01 }, other] } };
  expect((await trained(method, { resume: changed })).weights).not.toEqual(whole.weights);
});

test('checkpoints within an epoch change no bit, and each of them leads to the same end', async () => {
  const plain = await trained([labels]);
  const often = await trained([labels], { everySeconds: 0 });
  expect(often.weights).toEqual(plain.weights);
  // 25 steps an epoch, a row after every second one and the last.
  expect(plain.checkpoints.map(({ cursor }) => cursor.step)).toEqual([25, 50]);
  expect(often.checkpoints).toHaveLength(2 * 13);
  const curve = ({ rows }: Run) => rows.map(({ step, values }) => [step, values.loss, values.epoch_loss]);
  expect(curve(often)).toEqual(curve(plain));
  for (const checkpoint of [often.checkpoints[0], often.checkpoints[17]]) {
    const { weights, rows } = await trained([labels], { resume: checkpoint });
    expect(weights).toEqual(plain.weights);
    expect(curve({ ...plain, rows }).at(-1)).toEqual(curve(plain).at(-1));
  }
});

test('a run that is stopped while it evaluates an epoch evaluates it again, and takes no step twice', async () => {
  const whole = await trained([labels], { validation: 100 });
  const cut = await trained([labels], {
    validation: 100,
    pause: (step, phase) => {
      // The first epoch pauses once more, for its evaluation.
      if (phase === 'evaluating' && step === 51) throw new StopTraining('stop');
    },
  });
  const samples = ({ facts }: Checkpoint) => (facts.losses as { samples: number }).samples;
  expect(cut.checkpoints.map((one) => [one.cursor.step, samples(one) > 0])).toEqual([
    [25, false],
    [50, true],
  ]);
  const rest = await trained([labels], { validation: 100, resume: cut.checkpoints[1] });
  expect(rest.rows.map(({ step }) => step)).toEqual([50]);
  const { seconds: _, ...result } = whole.result as TrainingResult;
  expect(rest.result).toMatchObject(result);
  expect([...cut.rows, ...rest.rows].map(({ step }) => step)).toEqual(whole.rows.map(({ step }) => step));
  // What the last epoch came to is known also when nothing is left to train.
  const after = await trained([labels], { validation: 100, resume: rest.checkpoints.at(-1) });
  expect(after.result).toMatchObject(result);
});

test('a run that its preflight refuses takes no step', async () => {
  const apart = own('apart', ({ student, teacher: taps }) =>
    tf.mean(tf.abs(tf.sub(tf.add(student.logits, 1), taps.logits))),
  );
  const matching = { ...apart.bound, teacher: ['logits'], matching: true };
  const run = await trained([labels, { ...apart, bound: matching }]);
  expect(run.error).toMatchObject({
    code: 'preflight_failed',
    message: expect.stringMatching(/^apart is 1 between/),
  });
  expect([run.rows, run.checkpoints]).toEqual([[], []]);
  const untouched = createNetwork(forward, dataset.shape, 1);
  expect(run.weights).toEqual(readValues(untouched.variables));
  disposeNetwork(untouched);
});

describe('a component', () => {
  const method = bound({ type: 'cross_entropy' }, { type: 'towards_average' });

  test('teaches a term in the step, and resumes from its own state with the same bytes', async () => {
    const whole = await trained(method);
    expect(whole.error).toBeUndefined();
    expect(whole.result?.members[0].losses.towards_average).toBeGreaterThan(0);
    const cut = await trained(method, {
      pause: (step) => {
        if (step === 31) throw new StopTraining('stop');
      },
    });
    const resume = cut.checkpoints.at(-1) as Checkpoint;
    const name = componentName(averageChoice());
    expect(Object.keys(resume.tensors[name])).toEqual(Object.keys(resume.tensors.weights));
    expect((await trained(method, { resume })).weights).toEqual(whole.weights);
    // Another average would have led elsewhere.
    const changed = { ...resume, tensors: { ...resume.tensors, [name]: resume.tensors.weights } };
    expect((await trained(method, { resume: changed })).weights).not.toEqual(whole.weights);
  });

  test('is shared by terms that choose the same one, and has the options that the term chose', async () => {
    const [labelled, towards, alike, slower] = bound(
      { type: 'cross_entropy' },
      { type: 'towards_average' },
      { type: 'towards_average', decay: 0.5 },
      { type: 'towards_average', decay: 0.9 },
    );
    const { error, result, checkpoints } = await trained([labelled, towards, alike, slower]);
    expect(error).toBeUndefined();
    const { losses } = (result as TrainingResult).members[0];
    expect(losses.towards_average_2).toBe(losses.towards_average);
    expect(losses.towards_average_3).not.toBe(losses.towards_average);
    const names = Object.keys(checkpoints[0].tensors).filter((name) => name.startsWith('average-'));
    expect(names).toEqual([componentName(averageChoice(0.5)), componentName(averageChoice(0.9))]);
  });

  test('of a kind that is not registered is refused when the term is bound', () => {
    expect(() => bound({ type: 'unregistered_component' })).toThrow(/must be one of: average/);
  });
});

describe('a run that diverges', () => {
  /** NaN once the epoch is past `last`, else 1. */
  const nanAfter = (last: number, epoch: number | tf.Scalar) =>
    tf.where(tf.greater(epoch, last), Number.NaN, 1);
  /** NaN from the 27th step on, which is the first of two that are read together. */
  const spoils = own('spoils', ({ student, at }) =>
    tf.mul(tf.sum(student.logits), nanAfter(1.03, at(clock))),
  );

  test('names the term that went bad first, and its step, though by then all are bad', async () => {
    const run = await trained([labels, spoils]);
    expect(run.error).toMatchObject({
      code: 'nan',
      message: 'spoils is NaN at step 27 (epoch 2); try a smaller learning rate',
    });
    expect(run.checkpoints.map(({ cursor }) => cursor.step)).toEqual([stepsPerEpoch]);
  });

  test('leaves the last good checkpoint also when it is stopped before anybody has looked', async () => {
    const run = await trained([labels, spoils], {
      pause: (step) => {
        if (step === 27) throw new StopTraining('stop');
      },
    });
    expect(run.error).toMatchObject({
      code: 'nan',
      message: expect.stringMatching(/^spoils is NaN at step 27/),
    });
    expect(run.checkpoints.map(({ cursor }) => cursor.step)).toEqual([stepsPerEpoch]);
  });

  test('leaves it also when the weights are spoilt, and no loss has shown it yet', async () => {
    // The gradient of the second epoch's last step is NaN, its loss is not.
    const steep = own('steep', ({ student, at }) =>
      tf.customGrad((x) => ({
        value: tf.sum(x as tf.Tensor),
        gradFunc: (dy: tf.Tensor) =>
          tf.mul(tf.fill((x as tf.Tensor).shape, 1), tf.mul(dy, nanAfter(1.95, at(clock)))),
      }))(student.logits),
    );
    const run = await trained([labels, steep], { epochs: 3 });
    expect(run.error).toMatchObject({
      code: 'nan',
      message: expect.stringMatching(/ is not finite after step 50, though every loss was/),
    });
    expect(run.checkpoints.map(({ cursor }) => cursor.step)).toEqual([stepsPerEpoch]);
  });

  test('names all the terms that go bad in the same step', async () => {
    const alike = { ...spoils, name: 'alike' };
    const run = await trained([alike, labels, spoils]);
    expect(run.error).toMatchObject({
      message: expect.stringMatching(/^alike and spoils are NaN at step 27/),
    });
  });
});
