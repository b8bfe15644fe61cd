import { readFileSync } from 'node:fs';
import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose } from '@distillery/engine/testing';
import { lossOfTaps } from './testing/terms.ts';

// Values of the methods' reference implementations, in float64; see the README beside them.
const file = new URL('./testing/golden/losses.json', import.meta.url);

interface Values {
  shape: number[];
  data: number[];
}
/** Tensors by tap name; `maps` is a list from the first stage to the last. */
type Side = Record<string, Values | Values[]>;
interface Golden {
  method: string;
  options: object;
  student: Side;
  teacher: Side;
  labels?: Values;
  loss: number;
  gradients: Side;
}

/** For each golden name, the term and the options to check. */
const checked: Record<string, { type: string; options?: object }> = {
  soft_target: { type: 'soft_target' },
  cosine: { type: 'cosine', options: { student: 'features', teacher: 'features' } },
  // The squared error behind hint's regressor.
  mse: { type: 'hint', options: { student: 'features', teacher: 'features' } },
  decoupled: { type: 'decoupled' },
  dist: { type: 'dist' },
  jensen_shannon: { type: 'jensen_shannon' },
  attention: { type: 'attention' },
  fsp: { type: 'fsp' },
  rkd_distance: { type: 'rkd_distance' },
  rkd_angle: { type: 'rkd_angle' },
  similarity: { type: 'similarity' },
  pkt: { type: 'pkt' },
  nst: { type: 'nst' },
  // The features after both projections.
  correlation: { type: 'correlation' },
  activation_boundary: { type: 'activation_boundary' },
  overhaul: { type: 'overhaul' },
  // The comparison that `review` makes of a fused map.
  hierarchical_context: { type: 'review' },
};

const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: Golden[] };

beforeAll(() => startEngine());

/** The taps of a network, with each map of a list as one tap. */
const tapsOf = (side: Side): Record<string, Values> =>
  Object.fromEntries(
    Object.entries(side).flatMap(([name, values]) =>
      Array.isArray(values) ? values.map((map, i) => [`${name}${i + 1}`, map]) : [[name, values]],
    ),
  );

test.each(cases)('$method $options equals its reference: $reference', (golden) => {
  const { type, options } = checked[golden.method];
  const [student, teacher, gradients] = [golden.student, golden.teacher, golden.gradients].map(tapsOf);
  const names = Object.keys(student);
  const tensor = ({ data, shape }: Values) => tf.tensor(data, shape);
  tf.tidy(() => {
    const constants = Object.fromEntries(Object.entries(teacher).map(([name, tap]) => [name, tensor(tap)]));
    const loss = lossOfTaps(type, { ...golden.options, ...options }, names, constants, {
      labels: golden.labels && tf.tensor1d(golden.labels.data, 'int32'),
      auxiliary: (_, x) => x,
    });
    const x = names.map((name) => tensor(student[name]));
    expectClose(loss(...x), [golden.loss]);
    tf.grads(loss)(x).forEach((gradient, i) => expectClose(gradient, gradients[names[i]].data));
  });
});

test('every case belongs to a term, and every term listed here has a case', () => {
  expect([...new Set(cases.map(({ method }) => method))].sort()).toEqual(Object.keys(checked).sort());
});
