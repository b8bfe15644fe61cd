import { formats, readWeights, type Weights } from '@distillery/formats';

const weights: Weights = {
  parameters: [
    {
      name: 'conv.weight',
      dtype: 'F32',
      shape: [4, 3, 3, 3],
      data: Float32Array.from({ length: 108 }, (_, i) => i),
    },
    { name: 'conv.bias', dtype: 'F32', shape: [4], data: new Float32Array(4) },
  ],
  metadata: { classes: '["a","b"]' },
};

/** Files of weights that people bring, by their format, and the function that reads them. */
export const weightFiles = ['safetensors', 'torch', 'npz'].map((type) => {
  const format = formats.get(type);
  const options = format.options.parse({});
  return {
    name: `weights in ${type}`,
    whole: () => Buffer.from(format.encode(weights, options)),
    read: (bytes: Uint8Array) => void readWeights(bytes),
  };
});
