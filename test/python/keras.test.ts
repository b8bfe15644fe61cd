import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { encodeSafetensors } from '@distillery/formats';
import { initialValues, run, startEngine, trace } from '@distillery/engine';
import { architectures, bind } from '@distillery/models';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { pythonTimeout, pythonWith } from '../testing/python.ts';

/** Two Keras models. Prints the result of to_json(), or, given weights and images, the logits before the softmax. */
const models = `
import json, os, sys
os.environ["KERAS_BACKEND"] = "torch"
import keras, numpy
from keras import layers as L

def sequential():
    return keras.Sequential([
        L.Input((12, 12, 3)),
        L.Conv2D(6, 3, padding="same", activation="relu", name="c1"),
        L.BatchNormalization(epsilon=1e-5, name="n1"),
        L.MaxPooling2D(2, name="p1"),
        L.DepthwiseConv2D(3, use_bias=False, depthwise_initializer="he_normal", name="d1"),
        L.ReLU(max_value=6, name="r1"),
        L.GlobalAveragePooling2D(name="g1"),
        L.Dropout(0.2, name="drop"),
        L.Dense(5, activation="softmax", name="scores")])

def functional():
    x = image = L.Input((12, 12, 3), name="pixels")
    x = left = L.Conv2D(4, 5, strides=2, padding="valid", activation="gelu", name="left")(x)
    right = L.AveragePooling2D(5, strides=2, name="pool")(image)
    right = L.Conv2D(4, 1, use_bias=False, name="right")(right)
    x = L.Add(name="sum")([left, right, left])
    x = L.Concatenate(name="both")([x, right])
    x = L.Conv2D(4, 3, padding="same", name="last")(x)
    x = L.GlobalAveragePooling2D(name="mean")(x)
    x = L.Dense(5, name="scores")(x)
    return keras.Model(image, L.Activation("softmax", name="probabilities")(x))

models = {"sequential": sequential(), "functional": functional()}
if len(sys.argv) < 2:
    print(json.dumps({name: json.loads(model.to_json()) for name, model in models.items()}))
    sys.exit()
from safetensors.numpy import load_file
answer = {}
parts = {"kernel": "weight", "gamma": "weight", "beta": "bias", "bias": "bias",
         "moving_mean": "running_mean", "moving_variance": "running_var"}
for name, model in models.items():
    state = load_file(f"{sys.argv[1]}/{name}.safetensors")
    images = state.pop("images")
    for layer in model.layers:
        for variable in layer.weights:
            variable.assign(state.pop(f"{layer.name}.{parts[variable.name]}"))
    assert not state, state.keys()
    answer[name] = numpy.log(keras.ops.convert_to_numpy(model(images, training=False))).flatten().tolist()
print(json.dumps(answer))
`;

test('Keras models read from JSON compute the same logits as in Keras', {
  timeout: 2 * pythonTimeout + 120_000,
}, async (context) => {
  const python = await pythonWith(['torch', 'keras', 'safetensors', 'numpy'], 2 * pythonTimeout);
  if (python === undefined) return context.skip('no Python with Keras can be had here');
  await startEngine();
  const folder = await mkdtemp(join(tmpdir(), 'distillery-keras-'));
  const ask = async (...args: string[]) => {
    const { stdout } = await promisify(execFile)(python, ['-c', models, ...args], { maxBuffer: 1 << 24 });
    return JSON.parse(stdout) as Record<string, never>;
  };
  try {
    const pixels = Float32Array.from({ length: 4 * 12 * 12 * 3 }, (_, i) => Math.sin(12.9898 * i));
    const images = { name: 'images', dtype: 'F32' as const, shape: [4, 12, 12, 3], data: pixels };
    const expected: Record<string, number[]> = {};
    for (const [name, layers] of Object.entries(await ask())) {
      const choice = architectures.schema.parse({ type: 'layers', layers });
      const forward = bind(architectures.get('layers'), choice, { classes: 5 });
      const { parameters } = trace(forward, [12, 12, 3]);
      const first = initialValues(parameters, 1);
      // An untrained BatchNorm is the identity and biases are zero, which hides mistakes. Variances stay positive.
      const values = parameters.map((parameter) => ({
        ...parameter,
        data: first[parameter.name].map((value, i) =>
          parameter.initializer.type === 'constant' ? value + 0.3 * Math.sin(i + 1) : value,
        ),
      }));
      const tensors = values.map(({ name: key, shape, data }) => ({
        name: key,
        dtype: 'F32' as const,
        shape,
        data,
      }));
      await writeFile(join(folder, `${name}.safetensors`), encodeSafetensors([...tensors, images]));
      expected[name] = tf.tidy(() => {
        const held = Object.fromEntries(
          values.map(({ name: key, shape, data }) => [key, tf.tensor(data, shape)]),
        );
        const { output } = run(forward, held, tf.tensor(pixels, images.shape), { taps: [] });
        return Array.from(tf.logSoftmax(output).dataSync());
      });
    }
    const answer = (await ask(folder)) as Record<string, number[]>;
    expect(Object.keys(answer)).toEqual(['sequential', 'functional']);
    for (const [name, logits] of Object.entries(answer)) {
      expect(expected[name]).toHaveLength(20);
      logits.forEach((value, i) => expect(value, name).toBeCloseTo(expected[name][i], 4));
      // The four images have different logits.
      expect(new Set(logits.filter((_, i) => i % 5 === 0).map((value) => value.toFixed(4))).size).toBe(4);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
