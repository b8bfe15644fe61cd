import { initialValues, run, startEngine, trace } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose, expectGradient, sample } from '@distillery/engine/testing';
import { atStart, bound, lossOf } from '../testing/terms.ts';

beforeAll(() => startEngine());

const same = { auxiliary: (_name: string, x: tf.Tensor) => x };

test('by hand: differences (1, 2), (3, −1), (−2, 0)', () => {
  const teacher = tf.ones([3, 2]);
  const f = lossOf('correlation', {}, 'features', { features: teacher }, same);
  const student = tf.tensor([
    [2, 3],
    [4, 0],
    [-1, 1],
  ]);
  expectClose(f(student), [(3 + 2 + 6 + 0) / 2]);
});

test('both sides are projected, and both projectors are trained', () => {
  const [from, to] = [{ features: [5] }, { features: [7] }];
  expect(trace(bound('correlation', {}, from, to).auxiliary.student.forward, [5]).outputShape).toEqual([128]);
  const term = bound('correlation', { width: 3 }, from, to);
  expect(term).toMatchObject({ student: ['features'], teacher: ['features'], matching: false });
  const plans = Object.entries(term.auxiliary).map(([side, { forward, inputShape }]) => ({
    side,
    forward,
    plan: trace(forward, inputShape),
  }));
  expect(plans.map(({ side, plan }) => [side, plan.inputShape, plan.outputShape])).toEqual([
    ['student', [5], [3]],
    ['teacher', [7], [3]],
  ]);
  tf.tidy(() => {
    const constant = sample([4, 7], 1);
    const f = (x: tf.Tensor, ...parameters: tf.Tensor[]) =>
      term.loss({
        student: { features: x },
        teacher: { features: constant },
        labels: tf.tensor1d([], 'int32'),
        indices: tf.tensor1d([], 'int32'),
        classes: 0,
        at: atStart,
        auxiliary(name, tap) {
          const at = plans.findIndex(({ side }) => side === name);
          const [weight, bias] = parameters.slice(2 * at);
          return run(plans[at].forward, { 'linear.weight': weight, 'linear.bias': bias }, tap).output;
        },
      });
    const parameters = plans.flatMap(({ plan }, i) => {
      const values = initialValues(plan.parameters, 3 + i);
      return plan.parameters.map(({ name, shape }) => tf.tensor(values[name], shape));
    });
    const x = [sample([4, 5]), ...parameters];
    expectGradient(f, x, { step: 2 ** -10 });
    for (const gradient of tf.grads(f)(x)) {
      expect(Math.max(...gradient.dataSync().map(Math.abs))).toBeGreaterThan(1e-3);
    }
  });
});
