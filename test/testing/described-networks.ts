import { type Forward, record, run, sizeOf, trace } from '@distillery/engine';
import { permute, type Weights } from '@distillery/formats';
import { architectures, bind } from '@distillery/models';
import * as tf from '@tensorflow/tfjs-core';
import { exampleNetworks, movedValues, publishedNetworks } from './networks.ts';

const [samples, vocabulary] = [3, 30];
export const classes = 10;
export const normalization = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.25, 0.3] };

/** A network with its weights as a job would store them, inputs, and the engine's answer. */
export interface DescribedNetwork {
  name: string;
  input: number[];
  weights: Weights;
  /** Bytes of images, or ids of texts. */
  given: number[];
  /** The same as the network takes them: images normalised. */
  values: number[];
  /** The engine's logits for them. */
  logits: Float32Array;
}

/** Returns every example network and transformers for texts. The engine must have been started. */
export function describedNetworks(): DescribedNetwork[] {
  return [
    ...Object.entries({ ...exampleNetworks, ...publishedNetworks }).map(([name, options]) =>
      ofImages(name, options),
    ),
    ofTexts('text', { type: 'text_transformer' }),
    ofTexts('bert', { type: 'bert', positions: 20, separator: 8 }),
    ofRows(),
  ];
}

function ofImages(name: string, options: { type: string }): DescribedNetwork {
  const input = [32, 32, 3];
  const given = Array.from({ length: samples * sizeOf(input) }, (_, i) =>
    Math.floor(127.5 * (1 + Math.sin(12.9898 * i))),
  );
  const { mean, std } = normalization;
  const values = given.map((byte, i) => (byte / 255 - mean[i % 3]) / std[i % 3]);
  return example({
    name,
    options,
    input,
    given,
    values,
    metadata: { normalization: JSON.stringify(normalization) },
  });
}

function ofTexts(name: string, own: (typeof exampleNetworks)[string]): DescribedNetwork {
  const input = [12];
  const options = { width: 16, depth: 2, heads: 2, dropout: 0, ...own };
  // Texts of different lengths, padded with 0.
  const given = Array.from({ length: samples * 12 }, (_, i) =>
    i % 12 < 12 - 4 * Math.floor(i / 12) ? 1 + ((7 * i) % 29) : 0,
  );
  return example({ name, options, input, given, values: given, metadata: {} });
}

function ofRows(): DescribedNetwork {
  const input = [6];
  const values = Array.from({ length: samples * 6 }, (_, i) => Math.sin(7.3 * i));
  const options = { type: 'mlp', hidden: [8], batchNorm: true };
  return example({ name: 'row', options, input, given: values, values, metadata: {} });
}

function example({
  name,
  options,
  input,
  given,
  values,
  metadata,
}: Pick<DescribedNetwork, 'name' | 'input' | 'given' | 'values'> & {
  options: { type: string };
  metadata: Record<string, string>;
}): DescribedNetwork {
  const choice = architectures.schema.parse(options);
  const task = { classes, ...(architectures.get(options.type).inputs?.includes('text') && { vocabulary }) };
  const forward: Forward = bind(architectures.get(choice.type), choice, task);
  const { parameters } = trace(forward, input);
  const moved = movedValues(parameters);
  const logits = tf.tidy(() => {
    const tensors = Object.fromEntries(
      parameters.map(({ name: key, shape }) => [key, tf.tensor(moved[key], shape)]),
    );
    return run(forward, tensors, tf.tensor(values, [samples, ...input])).output.dataSync() as Float32Array;
  });
  const weights: Weights = {
    parameters: parameters.map(({ name: key, shape, interchange }) => ({
      name: key,
      dtype: 'F32' as const,
      ...permute(moved[key], shape, interchange),
    })),
    metadata: {
      ...metadata,
      graph: JSON.stringify(record(forward, input)),
      classes: JSON.stringify(Array.from({ length: classes }, (_, i) => `class ${i}`)),
    },
  };
  return { name, input, weights, given, values, logits };
}

/** The largest difference, as a share of the largest expected value. */
export function distance(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  const wanted = Array.from(expected);
  const largest = Math.max(...wanted.map(Math.abs));
  return Math.max(...wanted.map((value, i) => Math.abs(found[i] - value))) / largest;
}
