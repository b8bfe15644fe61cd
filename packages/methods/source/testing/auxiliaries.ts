import { initialValues, run, trace } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { expectGradient, expectNoLeak, sample } from '@distillery/engine/testing';
import type { ParameterShapes, TapShapes, TermBatch } from '../term.ts';
import { atStart, bound, shapesOf, type Taps } from './terms.ts';

/** Helpers for tests of terms with auxiliary networks. */

interface Trained {
  /** The shapes of the student's taps, without the batch. */
  student: TapShapes;
  teacher: Taps;
  parameters?: { student: ParameterShapes; teacher: ParameterShapes };
  batch?: Partial<TermBatch>;
}

/**
 * Binds a term and runs its auxiliary networks at their initial weights, as training does.
 *
 * @returns the bound term, and its loss as a function of the student's taps, in their order, followed by the trained
 *   parameters `tensors`, which `names` lists as `<auxiliary>/<parameter>`
 */
export function trained(type: string, options: object, { student, teacher, parameters, batch }: Trained) {
  const term = bound(type, options, student, shapesOf(teacher), parameters);
  const plans = Object.entries(term.auxiliary).map(([part, { forward, inputShape, pretraining }], i) => {
    const plan = trace(forward, inputShape);
    const values = initialValues(plan.parameters, i + 3);
    const tensors = plan.parameters.map(({ name, shape }) => tf.tensor(values[name], shape));
    return { part, forward, plan, tensors, frozen: pretraining !== undefined };
  });
  const all = plans.flatMap(({ part, plan, tensors, frozen }) =>
    plan.parameters.map(({ name, trainable }, i) => ({
      name: `${part}/${name}`,
      trainable: trainable && !frozen,
      tensor: tensors[i],
    })),
  );
  const moved = all.filter(({ trainable }) => trainable);
  const taps = Object.keys(student);

  function loss(...x: tf.Tensor[]): tf.Tensor {
    const values = new Map(all.map(({ name, tensor }) => [name, tensor]));
    moved.forEach(({ name }, i) => values.set(name, x[taps.length + i]));
    return term.loss({
      student: Object.fromEntries(taps.map((tap, i) => [tap, x[i]])),
      teacher,
      labels: tf.tensor1d([], 'int32'),
      indices: tf.tensor1d([], 'int32'),
      classes: 0,
      at: atStart,
      auxiliary(name, tap) {
        const found = plans.find(({ part }) => part === name);
        if (found === undefined) throw new Error(`the term requested an auxiliary network ${name}`);
        const own = found.plan.parameters.map(
          (parameter) => [parameter.name, values.get(`${name}/${parameter.name}`) as tf.Tensor] as const,
        );
        const training = { seed: 1, step: 0 };
        const { output, statistics } = run(
          found.forward,
          Object.fromEntries(own),
          tap,
          found.frozen ? {} : { training },
        );
        expect(tap.shape.slice(1)).toEqual(found.plan.inputShape);
        tf.dispose(statistics);
        return output;
      },
      ...batch,
    });
  }

  return {
    term,
    loss,
    names: moved.map(({ name }) => name),
    tensors: moved.map(({ tensor }) => tensor),
  };
}

/**
 * Expects that the loss is a scalar, that the student's taps and every trained parameter get the gradient that finite
 * differences give, and that no tensors are left behind.
 */
export function expectTrains(
  type: string,
  options: object,
  setting: Trained,
  bounds: { step?: number; tolerance?: number } = {},
): void {
  tf.tidy(() => {
    const { loss, names, tensors } = trained(type, options, setting);
    const x = [...Object.values(setting.student).map((shape, i) => sample([3, ...shape], 2 * i)), ...tensors];
    expect(loss(...x).shape).toEqual([]);
    const f = (...y: tf.Tensor[]) => loss(...y);
    const sizes = tf
      .grads(f)(x)
      .map((gradient) => Math.max(...gradient.dataSync().map(Math.abs)));
    sizes.forEach((size, i) => {
      expect(size, [...Object.keys(setting.student), ...names][i]).toBeGreaterThan(1e-5);
    });
    // The largest derivative is scaled to 1, so that the tolerance is meaningful.
    const steepest = Math.max(...sizes);
    expectGradient((...y) => tf.div(f(...y), steepest), x, bounds);
    expectNoLeak(() => tf.tidy(() => tf.grads(f)(x)));
  });
}
