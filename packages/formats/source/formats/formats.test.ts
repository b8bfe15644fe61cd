import { expect, test } from 'vitest';
import { describeFormat } from '../testing/conformance.ts';
import { formats } from './index.ts';

/** Formats that write the network as a graph. */
const graphs = new Set(['onnx', 'tfjs']);

for (const format of formats.list) describeFormat(format, graphs.has(format.type) ? 'graphs' : 'tensors');

test('the catalogue shows how a format is requested and sent', () => {
  expect(formats.catalogue()[0]).toMatchObject({
    type: 'safetensors',
    mediaType: 'application/octet-stream',
    extension: 'safetensors',
    reference: expect.stringMatching(/^https:/),
  });
});
