import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { encodeSafetensors, permute } from '@distillery/formats';
import { run, startEngine, trace } from '@distillery/engine';
import { architectures, bind } from '@distillery/models';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { differingNetworks } from '../../bench/peers/parameters.ts';
import { exampleNetworks, movedValues } from '../testing/networks.ts';
import { pythonTimeout, pythonWith } from '../testing/python.ts';

/** PyTorch's networks of the benchmark, and those that it lacks. Loads the weights of each and prints its logits for the same images. */
const evaluation = `
import json, sys, torch, safetensors.torch
sys.path.insert(0, sys.argv[2])
from networks import network_of
from torch import nn
from torch.nn.functional import relu

class MLP(nn.Module):
    def __init__(self, *widths):
        super().__init__()
        layers, i = [], 3072
        for o in widths:
            layers += [nn.Linear(i, o), nn.BatchNorm1d(o), nn.ReLU(), nn.Dropout(0)]
            i = o
        self.hidden, self.classifier = nn.Sequential(*layers), nn.Linear(i, 10)
    def forward(self, x):
        return self.classifier(self.hidden(x.flatten(1)))

class Layers(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.n1, self.c2 = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 1)
        self.d1, self.classifier = nn.Linear(16 * 8 * 8, 32), nn.Linear(32, 10)
    def forward(self, x):
        x = nn.MaxPool2d(2)(self.n1(relu(self.c1(x))))
        x = nn.AvgPool2d(2)(torch.cat([x, self.c2(x)], 1))
        return self.classifier(relu(self.d1(x.flatten(1))))

choices = json.loads(sys.argv[3])
own = {"mlp": lambda: MLP(40, 20), "layers": Layers}
models = {name: own[name]() if name in own else network_of(choice, {"classes": 10}) for name, choice in choices.items()}
answer = {}
for name, model in models.items():
    state = safetensors.torch.load_file(f"{sys.argv[1]}/{name}.safetensors")
    images = state.pop("images").permute(0, 3, 1, 2).contiguous()
    model.load_state_dict(state)
    with torch.no_grad():
        answer[name] = {mode: model.train(mode == "training")(images).flatten().tolist() for mode in ("evaluation", "training")}
print(json.dumps(answer))
`;
const peers = resolve(import.meta.dirname, '../../bench/peers');

test("PyTorch loads every network's weights and computes the same logits", {
  timeout: pythonTimeout + 60_000,
}, async (context) => {
  const python = await pythonWith(['torch', 'safetensors', 'numpy']);
  if (python === undefined) return context.skip('no Python with torch and safetensors can be had here');
  await startEngine();
  const folder = await mkdtemp(join(tmpdir(), 'distillery-networks-'));
  try {
    const pixels = Float32Array.from({ length: 4 * 32 * 32 * 3 }, (_, i) => Math.sin(12.9898 * i));
    const images = { name: 'images', dtype: 'F32' as const, shape: [4, 32, 32, 3], data: pixels };
    const choices: Record<string, object> = {};
    const expected: Record<string, Record<string, Float32Array>> = {};
    for (const [name, options] of Object.entries(exampleNetworks)) {
      const choice = architectures.schema.parse(options);
      choices[name] = choice;
      const forward = bind(architectures.get(choice.type), choice, { classes: 10 });
      const { parameters } = trace(forward, [32, 32, 3]);
      const values = movedValues(parameters);
      const tensors = parameters.map(({ name: key, shape, interchange }) => ({
        name: key,
        dtype: 'F32' as const,
        ...permute(values[key], shape, interchange),
      }));
      await writeFile(join(folder, `${name}.safetensors`), encodeSafetensors([...tensors, images]));
      tf.tidy(() => {
        const weights = Object.fromEntries(
          parameters.map(({ name: key, shape }) => [key, tf.tensor(values[key], shape)]),
        );
        const x = tf.tensor(pixels, images.shape);
        const training = run(forward, weights, x, { training: { seed: 1, step: 0 } });
        expected[name] = {
          evaluation: run(forward, weights, x).output.dataSync() as Float32Array,
          training: training.output.dataSync() as Float32Array,
        };
        tf.dispose(training.statistics);
      });
    }
    await writeFile(join(folder, 'evaluate.py'), evaluation);
    const { stdout } = await promisify(execFile)(python, [
      join(folder, 'evaluate.py'),
      folder,
      peers,
      JSON.stringify(choices),
    ]);
    const answer = JSON.parse(stdout) as Record<string, Record<string, number[]>>;
    for (const [name, modes] of Object.entries(expected)) {
      for (const [mode, logits] of Object.entries(modes)) {
        const largest = Math.max(...logits.map(Math.abs));
        expect(largest, `${name} in ${mode}`).toBeGreaterThan(0);
        logits.forEach((logit, i) => {
          const off = Math.abs(answer[name][mode][i] - logit) / largest;
          expect(off, `${name} in ${mode}, logit ${i}`).toBeLessThan(1e-3);
        });
      }
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the networks of the benchmark have as many parameters in PyTorch', {
  timeout: pythonTimeout + 60_000,
}, async (context) => {
  const python = await pythonWith(['torch', 'numpy']);
  if (python === undefined) return context.skip('no Python with torch can be had here');
  expect(await differingNetworks(python)).toEqual([]);
});
