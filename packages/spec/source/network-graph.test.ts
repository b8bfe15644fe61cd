import { expect, test } from 'vitest';
import { type NetworkGraph, nodesBefore, parseNetworkGraph } from './network-graph.ts';

const graph: NetworkGraph = {
  version: 1,
  input: [4],
  nodes: [
    { op: 'linear', inputs: [0], shape: [2], name: 'a', bias: true },
    { op: 'linear', inputs: [0], shape: [2], name: 'unused', bias: true },
    { op: 'relu', inputs: [1], shape: [2] },
  ],
  output: 3,
  taps: { logits: 3 },
};

test('what the output does not depend on is left out', () => {
  expect(nodesBefore(graph, 3).map(({ value }) => value)).toEqual([1, 3]);
  expect(nodesBefore(graph, 0)).toEqual([]);
});

test.each([
  ['no JSON', 'graph'],
  ['another version', JSON.stringify({ ...graph, version: 2 })],
  ['an unknown operation', JSON.stringify({ ...graph, nodes: [{ op: 'warp', inputs: [0], shape: [2] }] })],
  ['an unknown field', JSON.stringify({ ...graph, nodes: [{ ...graph.nodes[2], slope: 1 }] })],
  [
    'an input that comes later',
    JSON.stringify({ ...graph, nodes: [{ op: 'relu', inputs: [1], shape: [4] }] }),
  ],
  ['an output that does not exist', JSON.stringify({ ...graph, output: 4 })],
  ['a tap that does not exist', JSON.stringify({ ...graph, taps: { logits: 9 } })],
])('a text that is no graph is refused: %s', (_, text) => {
  expect(() => parseNetworkGraph(text)).toThrow(expect.objectContaining({ code: 'artifact_corrupt' }));
});
