import { type Forward, initialValues, run, startEngine, trace } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { expectClose, expectNoLeak, sample } from '@distillery/engine/testing';
import { terms } from '../index.ts';
import type { Subject, Term } from '../term.ts';
import { bound, thrown } from '../testing/terms.ts';

beforeAll(() => startEngine());

/** A map, its mean, and the layers after the features: `own` follows the classifier's linear layer. */
const network =
  (channels: number, stride: number): Forward =>
  (net, image) => {
    const map = net.conv('one', image, { out: channels, kernel: 3, padding: 1, stride });
    const features = net.globalAveragePool(net.tap('stage1', net.relu(map)));
    return net.tap('logits', net.linear('fc', net.tap('features', features), { out: 5 }));
  };
const vectors: Forward = (net, image) => {
  const features = net.relu(net.linear('one', net.flatten(image), { out: 7 }));
  return net.tap('logits', net.linear('fc', net.tap('features', features), { out: 5, bias: false }));
};
const subject = (forward: Forward, shape = [8, 8, 3]): Subject => ({ forward, plan: trace(forward, shape) });

function extended(student: Subject, teacher: Subject, options: object = {}) {
  const term = terms.get('classifier_reuse') as Required<Term>;
  const choice = terms.schema.parse({ type: 'classifier_reuse', ...options });
  const { forward, ...rest } = term.extend(choice, student, teacher);
  return { ...subject(forward), ...rest };
}

const shapesIn = ({ plan }: Subject) =>
  Object.fromEntries(plan.parameters.map(({ name, shape }) => [name, shape]));

describe('the student', () => {
  test("is cut at its last map and ends in a bottleneck and the teacher's classifier", () => {
    const teacher = subject(network(6, 1));
    const student = extended(subject(network(4, 1)), teacher);
    expect(shapesIn(student)).toEqual({
      'one.weight': [3, 3, 3, 4],
      'one.bias': [4],
      'projector.0.weight': [1, 1, 4, 3],
      ...normalization('projector.1', 3),
      'projector.3.weight': [3, 3, 3, 3],
      ...normalization('projector.4', 3),
      'projector.6.weight': [1, 1, 3, 6],
      ...normalization('projector.7', 6),
      'reused_classifier.weight': [6, 5],
      'reused_classifier.bias': [5],
    });
    expect(student.plan.taps).toEqual({
      stage1: [8, 8, 4],
      projection: [8, 8, 6],
      features: [6],
      logits: [5],
    });
    expect(student.inherited).toEqual({
      'reused_classifier.weight': 'fc.weight',
      'reused_classifier.bias': 'fc.bias',
    });
    expect(student.options).toMatchObject({ student: 'stage1', teacher: 'stage1' });
    const frozen = student.plan.parameters.filter((parameter) => parameter.frozen);
    expect(frozen.map(({ name, trainable }) => [name, trainable])).toEqual([
      ['reused_classifier.weight', false],
      ['reused_classifier.bias', false],
    ]);
    // Convolution, projector with BatchNorm, classifier.
    expect(student.plan.parameterCount).toBe(112 + (12 + 81 + 18 + 24) + 35);
  });

  test('between vectors has a linear projector, and no bias where the teacher has none', () => {
    const student = extended(subject(vectors), subject(vectors));
    expect(shapesIn(student)).toEqual({
      'one.weight': [192, 7],
      'one.bias': [7],
      'projector.0.weight': [7, 7],
      ...normalization('projector.1', 7),
      'reused_classifier.weight': [7, 5],
    });
    expect(student.plan.taps).toEqual({ features: [7], projection: [7], logits: [5] });
  });

  test("with a larger map is average-pooled; with a smaller one the teacher's map is", () => {
    const [large, small] = [subject(network(4, 1)), subject(network(6, 2))];
    expect(extended(large, small).plan.taps.projection).toEqual([4, 4, 6]);
    const { plan } = extended(small, large);
    expect(plan.taps.projection).toEqual([4, 4, 4]);
    const options = { teacher: 'stage1' };
    const term = bound('classifier_reuse', options, plan.taps, large.plan.taps);
    const [s, t] = [sample([2, 4, 4, 4]), sample([2, 8, 8, 4], 1)];
    const loss = (projection: tf.Tensor) =>
      term.loss({ student: { projection }, teacher: { stage1: t } } as never);
    const difference = tf.sub(s, tf.avgPool(t as tf.Tensor4D, 2, 2, 'valid'));
    expectClose(loss(s), tf.mean(tf.square(difference)).dataSync());
    expectClose(tf.grad(loss)(s), tf.mul(difference, 2 / s.size).dataSync());
    expectNoLeak(() => tf.tidy(() => tf.grad(loss)(s)));
  });

  test("gives the teacher's logits where its projection is the teacher's map", () => {
    tf.tidy(() => {
      const teacher = subject(network(6, 1));
      const student = extended(subject(network(6, 1)), teacher);
      const parametersOf = ({ plan }: Subject, seed: number) => {
        const values = initialValues(plan.parameters, seed);
        return Object.fromEntries(plan.parameters.map((p) => [p.name, tf.tensor(values[p.name], p.shape)]));
      };
      const theirs = parametersOf(teacher, 1);
      const ours = parametersOf(student, 2);
      for (const [name, from] of Object.entries(student.inherited)) ours[name] = theirs[from];
      const image = sample([2, 8, 8, 3]);
      const { output, taps } = run(student.forward, ours, image);
      const head = (map: tf.Tensor) =>
        tf.add(
          tf.matMul(tf.mean<tf.Tensor2D>(map, [1, 2]), theirs['fc.weight'] as tf.Tensor2D),
          theirs['fc.bias'],
        );
      expectClose(output, head(taps.projection).dataSync());
      const reference = run(teacher.forward, theirs, image);
      expectClose(reference.output, head(reference.taps.stage1).dataSync());
      expect(Math.min(...taps.projection.dataSync())).toBe(0);
    });
  });
});

function normalization(name: string, channels: number) {
  const parts = ['weight', 'bias', 'running_mean', 'running_var'];
  return Object.fromEntries(parts.map((part) => [`${name}.${part}`, [channels]]));
}

test("the bound term compares the projection with the classifier's input, and is 0 where they are equal", () => {
  const term = bound(
    'classifier_reuse',
    { teacher: 'stage1' },
    { projection: [2, 2, 3] },
    { stage1: [2, 2, 3] },
  );
  expect(term).toMatchObject({ student: ['projection'], teacher: ['stage1'], matching: true });
  const map = sample([2, 2, 2, 3]);
  expectClose(term.loss({ student: { projection: map }, teacher: { stage1: map } } as never), [0]);
});

describe('refuses', () => {
  const changed: Forward = (net, image) => {
    const map = net.relu(net.tap('stage1', net.conv('one', image, { out: 6, kernel: 1 })));
    return net.tap('logits', net.linear('fc', net.tap('features', net.globalAveragePool(map)), { out: 5 }));
  };

  test('a map of the teacher that its classifier does not read', () => {
    const of = (teacher: string) => extended(subject(network(6, 1)), subject(changed), { teacher });
    expect(thrown(() => of('stage1'))).toMatchObject({ path: '/teacher', allowed: ['features'] });
    expect(of('features').plan.taps.projection).toEqual([6]);
  });

  test('maps whose sizes are not multiples', () => {
    const error = thrown(() =>
      extended(subject(network(4, 1), [8, 8, 3]), subject(network(4, 3), [8, 8, 3])),
    );
    expect(error).toMatchObject({ name: 'TapError', path: '/student' });
  });

  test('a teacher without a linear layer after its features', () => {
    const deep: Forward = (net, image) => {
      const map = net.tap('stage1', net.conv('one', image, { out: 6, kernel: 1 }));
      const features = net.tap('features', net.globalAveragePool(map));
      return net.tap('logits', net.linear('b', net.linear('a', features, { out: 9 }), { out: 5 }));
    };
    const error = thrown(() => extended(subject(network(4, 1)), subject(deep)));
    expect(error).toMatchObject({
      path: '/teacher',
      message: 'the teacher has no linear layer from its features [6] to its 5 classes',
    });
  });

  test('taps that do not exist', () => {
    const error = thrown(() =>
      extended(subject(network(4, 1)), subject(network(4, 1)), { student: 'stage7' }),
    );
    expect(error).toMatchObject({ path: '/student', value: 'stage7' });
  });
});
