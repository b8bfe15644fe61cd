import { startEngine } from '@distillery/engine';
import { formats } from '@distillery/formats';
import * as tf from '@tensorflow/tfjs-core';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import { unzipSync } from 'fflate';
import { beforeAll, expect, test } from 'vitest';
import { classes, type DescribedNetwork, describedNetworks, distance } from './testing/described-networks.ts';

const { encode, options } = formats.get('tfjs');
let examples: DescribedNetwork[];

beforeAll(async () => {
  await startEngine();
  examples = describedNetworks();
});

/** Loads the archive as a page loads its files. */
async function loaded(archive: Uint8Array) {
  const files = unzipSync(archive);
  const { modelTopology, weightsManifest, ...rest } = JSON.parse(
    new TextDecoder().decode(files['model.json']),
  ) as {
    modelTopology: object;
    weightsManifest: { weights: tf.io.WeightsManifestEntry[] }[];
    userDefinedMetadata: Record<string, string>;
  };
  const [{ weights: weightSpecs }] = weightsManifest;
  const { buffer, byteOffset, byteLength } = files['weights.bin'];
  const weightData = buffer.slice(byteOffset, byteOffset + byteLength);
  const model = await loadGraphModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData }));
  return { model, metadata: rest.userDefinedMetadata };
}

test.each(['float32', 'float16', 'uint8'])(
  'TensorFlow.js computes the logits of every network: %s',
  async (precision) => {
    /** The largest difference, as a share of the largest logit. uint8 has one range for all channels of a layer. */
    const bound = { float32: 1e-4, float16: 0.02, uint8: 0.6 }[precision] as number;
    for (const { name, weights, values, input, logits } of examples) {
      const { model, metadata } = await loaded(encode(weights, options.parse({ precision })));
      const [port] = model.inputs.map((one) => one.name);
      const x = tf.tensor(
        values,
        [values.length / input.reduce((a, b) => a * b), ...input],
        port === 'ids' ? 'int32' : 'float32',
      );
      const output = model.execute({ [port]: x }, 'logits') as tf.Tensor;
      expect(output.shape).toEqual([x.shape[0], classes]);
      expect(distance(output.dataSync(), logits), name).toBeLessThan(bound);
      expect(JSON.parse(metadata.classes)).toHaveLength(classes);
      tf.dispose([x, output]);
      model.dispose();
    }
  },
  120_000,
);
