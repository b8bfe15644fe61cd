import { parseNetworkGraph, shapeOfValue } from '@distillery/spec';
import { expect, test } from 'vitest';
import type { Forward } from './network.ts';
import { record } from './record.ts';
import { trace } from './trace.ts';

const small: Forward = (net, image) => {
  const map = net.relu(net.batchNorm('norm', net.conv('conv', image, { out: 4, kernel: 3, padding: 1 })));
  const kept = net.dropout('drop', net.maxPool(net.tap('stage1', map), { size: 2 }), 0.5);
  return net.tap('logits', net.linear('fc', net.globalAveragePool(kept), { out: 2, bias: false }));
};

test('a network is recorded as its operations with their parameters, options and shapes, without dropout', () => {
  expect(record(small, [8, 8, 3])).toEqual({
    version: 1,
    input: [8, 8, 3],
    nodes: [
      {
        op: 'conv',
        inputs: [0],
        shape: [8, 8, 4],
        name: 'conv',
        kernel: 3,
        stride: 1,
        padding: 1,
        bias: true,
      },
      { op: 'batchNorm', inputs: [1], shape: [8, 8, 4], name: 'norm', epsilon: 1e-5 },
      { op: 'relu', inputs: [2], shape: [8, 8, 4] },
      { op: 'maxPool', inputs: [3], shape: [4, 4, 4], size: 2, stride: 2 },
      { op: 'globalAveragePool', inputs: [4], shape: [4] },
      { op: 'linear', inputs: [5], shape: [2], name: 'fc', bias: false },
    ],
    output: 6,
    taps: { stage1: 3, logits: 6 },
  });
});

test('a recorded graph survives JSON, and its shapes are those of the plan', () => {
  const graph = record(small, [8, 8, 3]);
  expect(parseNetworkGraph(JSON.stringify(graph))).toEqual(graph);
  const { outputShape, taps } = trace(small, [8, 8, 3]);
  expect(shapeOfValue(graph, graph.output)).toEqual(outputShape);
  for (const [name, value] of Object.entries(graph.taps)) {
    expect(shapeOfValue(graph, value), name).toEqual(taps[name]);
  }
});

test('attention is recorded as its output and its scores, each with the mask', () => {
  const texts: Forward = (net, ids) => {
    const mask = net.present(ids, 0);
    const x = net.embedding('embed', ids, { vocabulary: 9, width: 6 });
    const { output, scores } = net.attention('attention', x, x, x, { heads: 2, mask });
    net.tap('scores', scores);
    return net.meanOfTokens(output, mask);
  };
  expect(record(texts, [5])).toMatchObject({
    nodes: [
      { op: 'present', inputs: [0], shape: [5], padding: 0 },
      { op: 'embedding', inputs: [0], shape: [5, 6] },
      { op: 'attention', inputs: [2, 2, 2, 1], shape: [5, 6], heads: 2 },
      { op: 'attentionScores', inputs: [2, 2, 1], shape: [2, 5, 5], heads: 2 },
      { op: 'meanOfTokens', inputs: [3, 1], shape: [6] },
    ],
    output: 5,
    taps: { scores: 4 },
  });
});

test('a layer that does not fit is refused by name, and so is one that keeps samples', () => {
  const wrong: Forward = (net, x) => net.conv('late', net.globalAveragePool(x), { out: 2, kernel: 3 });
  expect(() => record(wrong, [8, 8, 3])).toThrow('late: takes a map [height, width, channels], not [3]');
  const remembering: Forward = (net, x) => net.memory('queue', net.globalAveragePool(x), 16);
  expect(() => record(remembering, [8, 8, 3])).toThrow('queue keeps samples of earlier steps');
});
