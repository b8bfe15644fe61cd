import { expect, test } from 'vitest';
import type { Forward } from './network.ts';
import { pooledMap, upTo } from './parts.ts';
import { trace } from './trace.ts';

const forward: Forward = (net, image) => {
  const before = net.tap('stage1_pre', net.conv('one', image, { out: 3, kernel: 1 }));
  const map = net.tap('stage1', net.relu(before));
  const features = net.tap('features', net.globalAveragePool(map));
  return net.tap('logits', net.linear('two', features, { out: 5 }));
};
const shape = [4, 4, 3];

test('a network cut at a tap has only the layers that compute it', () => {
  const plan = trace(upTo(forward, 'stage1'), shape);
  expect(plan).toMatchObject({
    outputShape: [4, 4, 3],
    taps: { stage1_pre: [4, 4, 3], stage1: [4, 4, 3] },
    parameterCount: 12,
    flops: 16 * 3 * 7 + 48,
  });
  expect(trace(upTo(upTo(forward, 'features'), 'stage1'), shape)).toEqual(plan);
  expect(trace(upTo(forward, 'logits'), shape)).toEqual(trace(forward, shape));
});

test('refuses a missing tap, and passes on errors of layers', () => {
  expect(() => trace(upTo(forward, 'stage2'), shape)).toThrow('the network has no tap "stage2"');
  expect(() => trace(upTo(forward, 'features'), [4])).toThrow(/^one: takes a map/);
});

test('finds the map whose mean a tap is', () => {
  expect(pooledMap(forward, shape, 'features')).toBe('stage1');
  expect(pooledMap(forward, shape, 'logits')).toBeUndefined();
  expect(pooledMap(forward, shape, 'nothing')).toBeUndefined();
});

test('a map that is changed before the mean is not found, even if the shapes are equal', () => {
  const changed: Forward = (net, x) => {
    const map = net.relu(net.tap('stage1', x));
    return net.tap('features', net.relu(net.globalAveragePool(net.tap('stage2', map))));
  };
  expect(pooledMap(changed, shape, 'features')).toBeUndefined();
  const between: Forward = (net, x) =>
    net.tap('features', net.globalAveragePool(net.relu(net.tap('stage1', x))));
  expect(pooledMap(between, shape, 'features')).toBeUndefined();
});
