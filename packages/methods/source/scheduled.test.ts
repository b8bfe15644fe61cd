import { startEngine } from '@distillery/engine';
import { type Scheduled, valueAt } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose, sample } from '@distillery/engine/testing';
import { terms } from './index.ts';
import { lossOf } from './testing/terms.ts';

beforeAll(() => startEngine());

const types = terms.list.map(({ type }) => type);
// The contrastive term has features and a queue, and a test of its own.
const warm = types.filter((type) => type !== 'contrastive' && 'temperature' in terms.get(type).options.shape);
const ramp = { schedule: 'linear', from: 1, to: 5, epochs: 2 };

test.each(types)('%s accepts a number, a schedule or auto as its weight', (type) => {
  for (const weight of [0.5, ramp, 'auto']) {
    expect(terms.schema.parse({ type, weight })).toMatchObject({ type, weight });
  }
  expect(terms.schema.safeParse({ type, weight: { ...ramp, to: -1 } }).success).toBe(false);
});

test('the terms with a temperature are the ones tested below', () => {
  expect(warm).toEqual(
    expect.arrayContaining(['soft_target', 'decoupled', 'dist', 'jensen_shannon', 'channel_wise']),
  );
});

test.each(warm)('%s accepts a schedule of its temperature and uses the current value', (type) => {
  // One term reads a map, the others read logits.
  const [tap, shape]: [string, number[]] =
    type === 'channel_wise' ? ['stage1', [4, 2, 3, 5]] : ['logits', [4, 5]];
  const teacher = { [tap]: sample(shape, 1) };
  const labels = tf.tensor1d([0, 2, 4, 1], 'int32');
  const loss = (temperature: unknown, epoch: number) => {
    const at = (option: Scheduled) => valueAt(option, epoch);
    return lossOf(type, { temperature }, tap, teacher, { labels, at })(sample(shape)).dataSync();
  };
  tf.tidy(() => {
    expectClose(loss(ramp, 0), loss(1, 0));
    expectClose(loss(ramp, 1), loss(3, 0));
    expectClose(loss(ramp, 7), loss(5, 0));
    expect(Math.abs(loss(1, 0)[0] - loss(5, 0)[0])).toBeGreaterThan(1e-4);
  });
});
