import type { Dataset } from '@distillery/datasets';
import { type Forward, startEngine } from '@distillery/engine';
import { type BoundTerm, terms } from '@distillery/methods';
import type { Choice } from '@distillery/spec';
import { trainingSchema } from './kinds.ts';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { generatedSplit } from '@distillery/datasets/testing';
import { expectClose, sample } from '@distillery/engine/testing';
import type { DeviceBatch } from './device-batch.ts';
import { type Member, openMember } from './member.ts';
import { bindMethod, MethodError, type WeightedTerm } from './method.ts';
import { createNetwork, disposeNetwork, readValues, trainable } from './network.ts';
import { preflight } from './preflight.ts';
import { stepContext } from './step-context.ts';
import { tracedWithTaps } from './taps.ts';

beforeAll(() => startEngine());

const forward: Forward = (net, image) => {
  let x = net.tap('stage1', net.relu(net.conv('one', image, { out: 3, kernel: 3, padding: 1 })));
  x = net.tap('stage2', net.maxPool(net.conv('two', x, { out: 4, kernel: 3, padding: 1 }), { size: 2 }));
  x = net.tap('features', net.relu(net.linear('three', net.flatten(x), { out: 8 })));
  return net.tap('logits', net.linear('four', net.dropout('drop', x, 0.2), { out: 5 }));
};
const shape: Dataset['shape'] = [4, 4, 2];
const size = 6;
/** The shapes of the teacher's taps are the student's. */
const tapShapes = { stage1: [4, 4, 3], stage2: [2, 2, 4], features: [8], logits: [5], input_gradient: [32] };

const split = generatedSplit(0, shape, 5);
const dataset: Dataset = {
  digest: 'none',
  classes: ['a', 'b', 'c', 'd', 'e'],
  shape,
  train: split,
  test: split,
  skipped: { count: 0, first: [] },
  normalization: { mean: [0, 0], std: [1, 1] },
};

/** A student with the batch that it is about to see. */
interface Held {
  run: Parameters<typeof preflight>[0];
  batch: DeviceBatch;
  member: Member;
}

/** What `work` does not dispose is disposed here. */
function held<T>(method: readonly WeightedTerm[], work: (given: Held) => T): T {
  const network = createNetwork(forward, shape, 1);
  const parameters = network.plan.parameters.map(({ name, shape: of }, i) => {
    const values = sample(of, i + 1);
    const entry = [name, { shape: of, values: values.dataSync() as Float32Array }] as const;
    values.dispose();
    return entry;
  });
  const member = openMember(
    { name: '', network, method, seed: 1, teacherParameters: Object.fromEntries(parameters) },
    { training: trainingSchema.parse({}), dataset, indices: { validation: new Int32Array() } },
  );
  const batch = {
    inputs: sample([size, ...shape]),
    labels: tf.tensor1d([0, 3, 1, 4, 2, 0], 'int32'),
    indices: tf.tensor1d([7, 4, 9, 1, 0, 5], 'int32'),
    teacher: Object.fromEntries(
      Object.entries(tapShapes).map(([tap, of], i) => [tap, sample([size, ...of], i + 1)]),
    ),
  };
  const warn = (message: string) => {
    throw new Error(`warned: ${message}`);
  };
  const terms = method.map((term) => ({ member, term }));
  try {
    return work({
      run: { members: [member], terms, classes: 5, precision: 'float32', warn },
      batch,
      member,
    });
  } finally {
    tf.dispose(batch);
    for (const component of member.components) component.dispose?.();
    disposeNetwork(network);
  }
}

const measured = (method: readonly WeightedTerm[]) => held(method, ({ run, batch }) => preflight(run, batch));

/** Options as a job spec gives them, bound to the network on both sides. */
function bound(...choices: object[]): WeightedTerm[] {
  const plan = tracedWithTaps(forward, shape);
  return bindMethod(
    choices.map((choice) => terms.schema.parse(choice) as Choice),
    plan,
    plan,
  );
}

/** A term that no registry knows. */
function own(name: string, loss: BoundTerm['loss'], rest: Partial<BoundTerm> = {}): WeightedTerm {
  const term = { student: ['logits'], teacher: ['logits'], matching: false, auxiliary: {}, ...rest, loss };
  return { name, weight: 1, bound: term };
}

const refused = (message: RegExp) =>
  expect.objectContaining({ code: 'preflight_failed', message: expect.stringMatching(message) });

/** The norm of a weighted term's gradient by the network's parameters, as TensorFlow.js computes it. */
function normOf(term: WeightedTerm, weight: number): number {
  return held([term], ({ run, batch, member }) =>
    tf.tidy(() => {
      const variables = Object.values(trainable(member.network));
      const one = { member, term };
      const { grads } = tf.variableGrads(() => {
        const context = stepContext(run, [one], batch, { step: 0, epoch: 0 });
        return tf.mul<tf.Scalar>(context.loss(one), weight);
      }, variables);
      // It has no gradient by what the term does not depend on.
      const squares = Object.values(grads).map((gradient) => tf.sum(tf.square(gradient)).dataSync()[0]);
      return Math.sqrt(squares.reduce((sum, square) => sum + square, 0));
    }),
  );
}

describe('a sane method', () => {
  test('is measured: the gradient of each term, and the weight that brings it to that of cross-entropy', () => {
    const method = bound(
      { type: 'soft_target', weight: 0.25 },
      { type: 'cross_entropy' },
      { type: 'soft_target' },
    );
    const results = measured(method);
    const [soft, labels] = [normOf(method[0], 1), normOf(method[1], 1)];
    expect(results.map(({ name, weight }) => [name, weight])).toEqual([
      ['soft_target', 0.25],
      ['cross_entropy', 1],
      ['soft_target_2', 1],
    ]);
    expectClose(
      results.map(({ gradientNorm }) => gradientNorm),
      [soft, labels, soft],
    );
    expectClose(
      results.map(({ suggestedWeight }) => suggestedWeight ?? Number.NaN),
      [labels / soft, 1, labels / soft],
    );
  });

  test.each(['soft_target', 'cosine', 'pkt', 'nst'])(
    '%s at weight auto pulls as strongly as cross-entropy, though nothing asks for labels',
    (type) => {
      const options = type === 'cosine' ? { student: 'features', teacher: 'features' } : {};
      const method = bound({ type: 'soft_target' }, { type, weight: 'auto', ...options });
      const [, { weight }] = measured(method);
      const [labels] = bound({ type: 'cross_entropy' });
      const ratio = normOf(method[1], weight as number) / normOf(labels, 1);
      expect(ratio).toBeGreaterThan(0.99);
      expect(ratio).toBeLessThan(1.01);
    },
  );

  test('a schedule stays what it is', () => {
    const weight = { schedule: 'linear', from: 0, to: 2, epochs: 3 };
    const [result] = measured(bound({ type: 'cross_entropy', weight }));
    expect(result).toMatchObject({ weight, suggestedWeight: 1 });
    expect(result.gradientNorm).toBeGreaterThan(0);
  });

  // Those that want another network than this one are left out.
  const fitting = terms.list
    .filter(({ extend }) => extend === undefined)
    .map(({ type }) => type)
    .filter((type) => {
      try {
        return bound({ type }).length === 1;
      } catch (error) {
        if (error instanceof MethodError) return false;
        throw error;
      }
    });

  test.each(fitting)('%s passes', (type) => {
    const [result] = measured(bound({ type }, { type: 'cross_entropy' }));
    expect(result.gradientNorm).toBeGreaterThan(0);
  });

  test('is left as it was: weights, running statistics, tensors', () => {
    const method = bound({ type: 'hint', normalize: true }, { type: 'cross_entropy' });
    held(method, ({ run, batch, member }) => {
      const everything = () => [
        readValues(member.network.variables),
        ...Object.values(member.auxiliaries)
          .flatMap((parts) => Object.values(parts))
          .map(({ variables }) => readValues(variables)),
      ];
      const [values, tensors] = [everything(), tf.memory().numTensors];
      expect(everything()).toHaveLength(2);
      const first = preflight(run, batch);
      expect(tf.memory().numTensors).toBe(tensors);
      expect(everything()).toEqual(values);
      expect(preflight(run, batch)).toEqual(first);
    });
  });
});

describe('a preflight fails, with nothing left behind,', () => {
  const difference: BoundTerm['loss'] = ({ student, teacher }) =>
    tf.mean(tf.square(tf.sub(student.logits, tf.add(teacher.logits, 0.1))));
  const infinite: BoundTerm['loss'] = ({ student }) => tf.sum(tf.sqrt(tf.mul(student.logits, 0)));
  const nothing: BoundTerm['loss'] = ({ student }) => tf.sum(tf.mul(student.logits, 0));
  const [labels] = bound({ type: 'cross_entropy' });

  test.each<[string, WeightedTerm[], RegExp]>([
    [
      'for a matching term that is not 0 between equals',
      [labels, own('shifted', difference, { matching: true })],
      /^shifted is 0\.01\d* between the teacher and itself/,
    ],
    [
      'for a loss that is no number',
      [labels, own('void', ({ student }) => tf.mul(tf.sum(student.logits), Number.NaN))],
      /^void is NaN on the first batch$/,
    ],
    [
      'for a gradient that is no number',
      [labels, own('steep', infinite)],
      /^the gradient of steep by \S+ is not finite/,
    ],
    [
      'for parameters that take no part',
      bound({ type: 'cosine', student: 'features', teacher: 'features' }),
      /^four\.weight, four\.bias would not be trained.*\(cosine\)/,
    ],
    [
      'for a term without slope whose weight is to be found',
      [labels, { ...own('flat', nothing), weight: 'auto' }],
      /^no weight "auto" can be found for flat: the gradient of flat is 0/,
    ],
    [
      'for a term so flat that its weight would be out of bounds',
      [
        labels,
        {
          ...own('level', ({ student }) => tf.mul(tf.sum(student.logits), 1e-20)),
          weight: 'auto',
        },
      ],
      /^no weight "auto" can be found for level: it would be/,
    ],
  ])('%s', (_, method, message) => {
    held(method, ({ run, batch }) => {
      const before = tf.memory().numTensors;
      expect(() => preflight(run, batch)).toThrow(refused(message));
      expect(tf.memory().numTensors).toBe(before);
    });
  });

  test('but not for a matching term whose two sides differ in shape', () => {
    const method = [
      labels,
      own(
        'across',
        ({ student, teacher }) =>
          tf.mean(tf.square(tf.sub(tf.mean(student.features), tf.mean(teacher.logits)))),
        {
          student: ['features'],
          matching: true,
        },
      ),
    ];
    expect(measured(method)).toHaveLength(2);
  });

  test('but only warns of units that are switched off', () => {
    held(bound({ type: 'cross_entropy' }), ({ run, batch, member }) => {
      const off = tf.fill([8], -1000);
      member.network.variables['three.bias'].assign(off);
      off.dispose();
      const warnings: string[] = [];
      preflight({ ...run, warn: (message) => warnings.push(message) }, batch);
      expect(warnings).toEqual([
        'no gradient reaches one.weight, one.bias, two.weight and 4 more on the first batch: its units may be dead',
      ]);
    });
  });
});
