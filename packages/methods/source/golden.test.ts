import { existsSync, readFileSync } from 'node:fs';
import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose } from '../../engine/source/testing.ts';
import { lossOf } from './testing.ts';

// Numbers from the methods' own reference implementations, in float64. They are kept beside the repository; without
// them the terms are still held against the formulas in each term's own test.
const file = new URL('../../../../shared/golden/losses.json', import.meta.url);

interface Values {
  shape: number[];
  data: number[];
}
interface Golden {
  method: string;
  options: object;
  student: Record<string, Values>;
  teacher: Record<string, Values>;
  loss: number;
  gradients: Record<string, Values>;
}

/** Golden name → the term and the options that it is checked with. */
const checked: Record<string, { type: string; options?: object }> = {
  soft_target: { type: 'soft_target' },
  cosine: { type: 'cosine', options: { student: 'features', teacher: 'features' } },
  // The squared error behind hint's regressor.
  mse: { type: 'hint', options: { student: 'features', teacher: 'features' } },
};

const cases = existsSync(file)
  ? (JSON.parse(readFileSync(file, 'utf8')) as { cases: Golden[] }).cases.filter(
      ({ method }) => method in checked,
    )
  : [];

beforeAll(() => startEngine());

const tensor = ({ data, shape }: Values) => tf.tensor(data, shape);

test.runIf(cases.length === 0)('the golden numbers are not beside this checkout', ({ skip }) => {
  skip(`no ${file.pathname}`);
});

test.each(cases)('$method $options equals its reference: $reference', (golden) => {
  const { type, options } = checked[golden.method];
  const [[tap, student]] = Object.entries(golden.student);
  tf.tidy(() => {
    const teacher = Object.fromEntries(Object.entries(golden.teacher).map(([k, v]) => [k, tensor(v)]));
    const loss = lossOf(type, { ...golden.options, ...options }, tap, teacher, { auxiliary: (_, x) => x });
    const x = tensor(student);
    expectClose(loss(x), [golden.loss]);
    expectClose(tf.grad(loss)(x), golden.gradients[tap].data);
  });
});

test.skipIf(cases.length === 0)('every golden case of these terms was read', () => {
  const counts = Object.keys(checked).map((name) => cases.filter(({ method }) => method === name).length);
  expect(counts.every((count) => count > 0)).toBe(true);
});
