import { z } from 'zod';
import { archiveOf, textBytes } from '../archive.ts';
import { graphOf, inputOf } from '../described.ts';
import { pageExample } from '../bundle/examples/page.ts';
import type { Format, Weights } from '../format.ts';
import { GraphModel } from '../tfjs/model.ts';
import { writers } from '../tfjs/operations.ts';
import { Parameters } from '../tfjs/parameters.ts';
import { writeGraph } from '../write-graph.ts';
import { unpacked } from '../zip.ts';

const options = z.strictObject({
  precision: z
    .enum(['float32', 'float16', 'uint8'])
    .default('float32')
    .describe(
      'How the weights of layers are stored. float16 halves the file; uint8 quarters it, with one range for each tensor. The network computes in float32 in each case.',
    ),
});

/**
 * A graph model of TensorFlow.js: an archive with `model.json` and `weights.bin`, which `tf.loadGraphModel` loads from the
 * folder they are unpacked to. Images are `image`, float32 `[batch, height, width, channels]`, normalised as in training;
 * texts are `ids`, int32 `[batch, tokens]`; rows are `row`, float32 `[batch, columns]`, standardised; the output is `logits`, `[batch, classes]`.
 */
export const tfjs = {
  type: 'tfjs',
  summary: 'A graph model that TensorFlow.js runs in browsers and in Node.js',
  reference: 'https://js.tensorflow.org/api/latest/#loadGraphModel',
  options,
  mediaType: 'application/zip',
  extension: 'tfjs.zip',
  encode(weights: Weights, { precision }: z.output<typeof options>): Uint8Array {
    const graph = graphOf(weights);
    const model = new GraphModel();
    const parameters = new Parameters(weights.parameters, model, precision);
    const { name, type } = inputOf(graph);
    const input = model.input(name, graph.input, type === 'int' ? 'int32' : 'float32');
    const output = writeGraph(graph, input, { model, parameters }, writers);
    const logits = model.node('Identity', [output], {}, 'logits');
    const { graph: _graph, ...metadata } = weights.metadata;
    const encoded = model.encode(logits, metadata);
    return archiveOf({ 'model.json': textBytes(encoded.model), 'weights.bin': encoded.weights });
  },
  bundled: {
    image: () => ({ layout: 'NHWC', values: 'normalized' }),
    examples: (preparation) => ({ 'index.html': pageExample(preparation) }),
    files: (archive) =>
      Object.fromEntries([...unpacked(archive)].map(([name, file]) => [`model/${name}`, file])),
  },
} satisfies Format<typeof options>;
