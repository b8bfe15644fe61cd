import { type NetworkGraph, shapeOfValue } from '@distillery/spec';
import { z } from 'zod';
import { nodeExample } from '../bundle/examples/node.ts';
import { pythonExample } from '../bundle/examples/python.ts';
import type { Format, Weights } from '../format.ts';
import { graphOf, inputOf, normalizationOf } from '../described.ts';
import { OnnxModel, type Port } from '../onnx/model.ts';
import { writers } from '../onnx/operations.ts';
import { Parameters } from '../onnx/parameters.ts';
import { writeGraph } from '../write-graph.ts';

const options = z.strictObject({
  precision: z
    .enum(['float32', 'float16', 'int8'])
    .default('float32')
    .describe(
      'How the weights of layers are stored. float16 halves the file, int8 quarters it, with a scale for each output channel. The network computes in float32 in each case.',
    ),
  input: z
    .enum(['normalized', 'pixels'])
    .default('normalized')
    .describe(
      'What the model takes for an image: `normalized` takes float32 [batch, channels, height, width], normalised as in training; `pixels` takes uint8 [batch, height, width, channels] from 0 to 255 and normalises them itself. Texts are int64 [batch, tokens] and rows of a table float32 [batch, columns], standardised, in either case.',
    ),
});
type Options = z.output<typeof options>;

/** The name of the first dimension, which may have any length. */
const batch = 'batch';

/**
 * The network as a graph of operators for ONNX Runtime and others (opset 17). Its output is `logits`, `[batch, classes]`;
 * the metadata of the file are those of the weights.
 */
export const onnx = {
  type: 'onnx',
  summary: 'A graph that ONNX Runtime and most tools for deployment run',
  reference: 'https://onnx.ai',
  options,
  mediaType: 'application/octet-stream',
  extension: 'onnx',
  encode(weights: Weights, chosen: Options): Uint8Array {
    const graph = graphOf(weights);
    const model = new OnnxModel();
    const parameters = new Parameters(weights.parameters, model, chosen.precision);
    const { port, value } = declaredInput(graph, weights, model, chosen.input);
    const output = writeGraph(graph, value, { model, parameters }, writers);
    model.nodeWith('Identity', [output], {}, ['logits']);
    const logits: Port = {
      name: 'logits',
      type: 'float32',
      shape: [batch, ...shapeOfValue(graph, graph.output)],
    };
    const { graph: _graph, ...metadata } = weights.metadata;
    return model.encode([port], [logits], { ...metadata, ...labelsOf(metadata) });
  },
  bundled: {
    image: ({ input }) =>
      input === 'pixels' ? { layout: 'NHWC', values: 'pixels' } : { layout: 'NCHW', values: 'normalized' },
    examples: (preparation) => ({
      'example.py': pythonExample(preparation, {
        packages: 'onnxruntime',
        imports: 'import onnxruntime',
        compute: `session = onnxruntime.InferenceSession(folder / "model.onnx")
[logits] = session.run(["logits"], {session.get_inputs()[0].name: x})[0]`,
      }),
      'example.mjs': nodeExample(preparation),
    }),
  },
} satisfies Format<typeof options>;

/** Declares the input and returns it with the name of the value that the network reads. */
function declaredInput(
  graph: NetworkGraph,
  weights: Weights,
  model: OnnxModel,
  kind: Options['input'],
): { port: Port; value: string } {
  const { input } = graph;
  const { name, type } = inputOf(graph);
  if (name !== 'image') {
    const port: Port = { name, type: type === 'int' ? 'int64' : 'float32', shape: [batch, ...input] };
    return { port, value: name };
  }
  const [height, width, channels] = input;
  if (kind === 'normalized') {
    return {
      port: { name: 'image', type: 'float32', shape: [batch, channels, height, width] },
      value: 'image',
    };
  }
  const { mean, std } = normalizationOf(weights);
  const constant = (name: string, values: readonly number[]) =>
    model.tensor(name, 'float32', [values.length, 1, 1], Float32Array.from(values));
  const turned = model.node('Transpose', [model.node('Cast', ['pixels'], { to: 1 })], { perm: [0, 3, 1, 2] });
  const fractions = model.node('Div', [turned, model.scalar(255)]);
  const centred = model.node('Sub', [fractions, constant('mean', mean)]);
  return {
    port: { name: 'pixels', type: 'uint8', shape: [batch, height, width, channels] },
    value: model.node('Div', [centred, constant('std', std)]),
  };
}

/** The classes as `labels`, one a line, which some viewers and servers show. */
function labelsOf({ classes }: Readonly<Record<string, string>>): Record<string, string> {
  if (classes === undefined) return {};
  return { labels: (JSON.parse(classes) as string[]).join('\n') };
}
