import { type Dataset, memorySplit } from '@distillery/datasets';
import {
  type Labels,
  randomStream,
  startEngine,
  type Target,
  targetOf,
  type Tensors,
} from '@distillery/engine';
import { expectClose } from '@distillery/engine/testing';
import { terms } from '@distillery/methods';
import { architectures, bind } from '@distillery/models';
import type { Choice } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { stepRunner } from './components/step-mode.ts';
import type { DeviceBatch } from './device-batch.ts';
import { trainingSchema } from './kinds.ts';
import { openMember } from './member.ts';
import { bindMethod, extendStudent } from './method.ts';
import { createNetwork, disposeNetwork, readValues, type Values } from './network.ts';
import { takeStep } from './step.ts';
import { CurrentNumbers } from './step-numbers.ts';
import { runTaps } from './taps.ts';

/** A compiled step against the same step taken operation by operation. */

const { eagerSteps, bfloat16 } = await startEngine();
const [classes, size] = [4, 16];
const shape: [number, number, number] = [size, size, 3];
const nothing = memorySplit(
  { inputs: new Uint8Array(), labels: new Int32Array() },
  { shape, bytes: 0, digest: 'nothing' },
);
const dataset: Dataset = {
  digest: 'random',
  classes: Array.from({ length: classes }, (_, i) => `${i}`),
  shape,
  train: nothing,
  test: nothing,
  skipped: { count: 0, first: [] },
  normalization: { mean: [0, 0, 0], std: [1, 1, 1] },
};

afterEach(() => vi.unstubAllEnvs());

type Sides = { teacher: Record<string, unknown>; student: Record<string, unknown> };
interface Run extends Sides {
  method: Record<string, unknown>[];
  training?: Record<string, unknown>;
  /** Whether samples are mixed from two classes. */
  mixed?: boolean;
}

function forwardOf(choice: Record<string, unknown>) {
  const { type } = choice as Choice;
  return bind(architectures.get(type), architectures.schema.parse(choice), { classes });
}

/** Takes four steps on random images, the last of them with fewer, and returns losses and weights. */
function steps(
  mode: 'compiled' | 'eager',
  { teacher, student, method, training = {}, mixed = false }: Run,
): Values {
  const before = tf.memory().numTensors;
  const parsed = trainingSchema.parse({ epochs: 1, batchSize: 6, ...training });
  const frozen = createNetwork(forwardOf(teacher), shape, 1, true);
  const choices = method.map((choice) => terms.schema.parse(choice) as Choice);
  const own = createNetwork(forwardOf(student), shape, 2);
  const extended = extendStudent(choices, own, frozen);
  disposeNetwork(own);
  const network = createNetwork(extended.forward, shape, 2);
  const bound = bindMethod(extended.method, network.plan, frozen.plan);
  const parameters = readValues(frozen.variables);
  const member = openMember(
    {
      name: '',
      network,
      method: bound,
      seed: 3,
      teacherParameters: Object.fromEntries(
        bound
          .flatMap((term) => term.bound.teacherParameters ?? [])
          .map((name) => [name, { shape: frozen.variables[name].shape, values: parameters[name] }]),
      ),
    },
    { training: parsed, dataset, indices: { validation: new Int32Array() } },
  );
  const numbers = new CurrentNumbers();
  const setup = {
    members: [member],
    terms: bound.map((term) => ({ member, term })),
    classes,
    precision: parsed.precision,
  };
  vi.stubEnv('STEP', mode);
  const runner = stepRunner((batch) => takeStep(setup, batch, numbers));
  const losses: number[] = [];
  for (const [step, images] of [6, 6, 6, 5].entries()) {
    const batch = randomBatch(
      images,
      step,
      (inputs) => runTaps(frozen, inputs, { taps: teacherTapsOf(bound) }).taps,
      mixed,
    );
    numbers.set({
      step,
      epoch: step / 4,
      rate: 1e-3 * (step + 1),
      weights: bound.map((_, i) => 1 + i + step),
    });
    const loss = runner.take(batch);
    losses.push(...loss.dataSync());
    tf.dispose([loss, batch]);
  }
  expect(runner.mode()).toMatchObject({ mode });
  const values = {
    losses: Float32Array.from(losses),
    ...readValues(network.variables),
    ...readValues(member.trained),
    ...member.optimizer.read(),
  };
  for (const component of [runner, ...member.components]) component.dispose?.();
  disposeNetwork(network);
  disposeNetwork(frozen);
  expect(tf.memory().numTensors).toBe(before);
  return values;
}

function teacherTapsOf(bound: ReturnType<typeof bindMethod>): string[] {
  return [...new Set(bound.flatMap((term) => term.bound.teacher))];
}

function randomBatch(
  images: number,
  step: number,
  teach: (inputs: { images: tf.Tensor; labels: Target }) => Tensors,
  mixed: boolean,
): DeviceBatch {
  const stream = randomStream(step, 'compiled-steps.test');
  return tf.tidy(() => {
    const pixels = Float32Array.from({ length: images * size * size * 3 }, () => stream.normal());
    const inputs = tf.tensor(pixels, [images, ...shape]);
    const anyLabels = () =>
      tf.tensor1d(
        Int32Array.from({ length: images }, () => stream.below(classes)),
        'int32',
      );
    const labels: Labels = { labels: anyLabels() };
    if (mixed) {
      const shares = tf.tensor1d(Float32Array.from({ length: images }, () => stream.uniform()));
      labels.mixed = { labels: anyLabels(), shares };
    }
    const indices = tf.tensor1d(
      Int32Array.from({ length: images }, (_, i) => 10 * step + i),
      'int32',
    );
    const teacher = teach({ images: inputs, labels: targetOf(labels, classes) });
    return { inputs, ...labels, indices, teacher };
  });
}

/** Expects both modes to end with the same numbers, up to rounding. */
function expectSame(run: Run, tolerance = 1e-4): void {
  const [eager, compiled] = [steps('eager', run), steps('compiled', run)];
  expect(Object.keys(compiled)).toEqual(Object.keys(eager));
  for (const [name, values] of Object.entries(eager)) {
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(values.every(Number.isFinite), name).toBe(true);
    expectClose(compiled[name], values, { relative: tolerance, absolute: tolerance * largest });
  }
}

const labels = { type: 'cross_entropy' };
const lightnn = { type: 'lightnn', dropout: 0.1 };
const vit = { type: 'vit', patch: 8, width: 12, depth: 2, heads: 2, dropout: 0.1 };
const ofTransformers = ['attention_heads', 'hidden_states', 'minilm'];
/** Adam would divide by gradients that are 0 but for rounding. */
const sgd = { optimizer: { type: 'sgd', learningRate: 0.01, momentum: 0.9 } };

describe.skipIf(eagerSteps !== null)('a compiled step equals an eager one', () => {
  test.each(terms.list.map(({ type }) => type))('with the term %s', (type) => {
    const network = ofTransformers.includes(type) ? vit : lightnn;
    expectSame({ teacher: network, student: network, method: [{ type }, labels], training: sgd });
  });

  test.each([
    { type: 'deepnn' },
    { type: 'mlp' },
    { type: 'resnet', depth: 8 },
    { type: 'wide_resnet', depth: 10 },
    { type: 'vgg', depth: 8 },
    { type: 'mobilenet_v2' },
    { type: 'shufflenet_v2' },
    vit,
  ])('of $type', (student) => {
    const method = [{ type: 'soft_target' }, labels];
    expectSame({ teacher: lightnn, student, method, training: sgd });
    if (bfloat16 !== null) return;
    expectSame({ teacher: lightnn, student, method, training: { ...sgd, precision: 'bfloat16' } }, 0.05);
  });

  test.each<[string, Record<string, unknown>]>([
    ['Adam', { optimizer: { type: 'adam', weightDecay: 0.01 } }],
    ['AdamW', { optimizer: { type: 'adamw', weightDecay: 0.01 } }],
    ['SGD', { optimizer: { type: 'sgd', momentum: 0, weightDecay: 0.01 } }],
    ['Nesterov', { optimizer: { type: 'sgd', momentum: 0.9, nesterov: true } }],
    ['clipped gradients', { ...sgd, gradientClip: 0.1 }],
  ])('with %s', (_, training) => {
    expectSame({ teacher: lightnn, student: lightnn, method: [labels], training });
  });

  test('with samples that are mixed from two classes', () => {
    const method = [{ type: 'decoupled' }, { type: 'gradient' }, labels];
    expectSame({ teacher: lightnn, student: lightnn, method, training: sgd, mixed: true });
  });

  test('with a temperature that follows a schedule', () => {
    const temperature = { schedule: 'linear', from: 1, to: 9, epochs: 1 };
    const method = [{ type: 'soft_target', temperature }, { type: 'channel_wise', temperature }, labels];
    expectSame({ teacher: lightnn, student: lightnn, method, training: sgd });
  });
});
