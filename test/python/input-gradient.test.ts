import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { pythonWith } from '../testing/python.ts';
import {
  type Forward,
  gradientsOf,
  initialValues,
  inputGradient,
  startEngine,
  trace,
} from '@distillery/engine';
import { expectClose, sample } from '@distillery/engine/testing';

/** A network in PyTorch (float64): the squared distance of its input gradient to a target, and the weight gradients. */
const script = `
import json, sys, torch
from torch import nn
from torch.nn.functional import cross_entropy

torch.set_default_dtype(torch.float64)
given = json.load(open(sys.argv[1]))

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Conv2d(3, 6, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(6)
        self.two = nn.Conv2d(6, 6, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(6)
        self.three = nn.Conv2d(6, 8, 3, stride=2, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(8)
        self.fc = nn.Linear(8, 4)

    def forward(self, x):
        x = nn.functional.max_pool2d(self.bn1(self.one(x)).relu(), 2)
        x = (x + self.bn2(self.two(x))).relu()
        x = self.bn3(self.three(x)).relu()
        return self.fc(x.mean((2, 3)))

net = Net()
state = net.state_dict()
for name, (shape, axes, values) in given["parameters"].items():
    state[name] = torch.tensor(values).reshape(shape).permute(axes)
net.load_state_dict(state)
images = torch.tensor(given["images"]).reshape(5, 8, 8, 3).permute(0, 3, 1, 2).requires_grad_()
target = torch.tensor(given["target"]).reshape(5, 8, 8, 3).permute(0, 3, 1, 2)
loss = cross_entropy(net(images), torch.tensor(given["labels"]), reduction="sum")
(gradient,) = torch.autograd.grad(loss, images, create_graph=True)
distance = (gradient - target).square().sum() / 5
distance.backward()
gradients = {}
for name, parameter in net.named_parameters():
    back = torch.argsort(torch.tensor(given["parameters"][name][1])).tolist()
    gradients[name] = parameter.grad.permute(back).flatten().tolist()
print(json.dumps({"distance": distance.item(), "gradients": gradients}))
`;

const forward: Forward = (net, image) => {
  const first = net.relu(net.batchNorm('bn1', net.conv('one', image, { out: 6, kernel: 3, padding: 1 })));
  const pooled = net.maxPool(first, { size: 2 });
  const inner = net.batchNorm('bn2', net.conv('two', pooled, { out: 6, kernel: 3, padding: 1, bias: false }));
  const sum = net.relu(net.add(pooled, inner));
  const last = net.conv('three', sum, { out: 8, kernel: 3, stride: 2, padding: 1, bias: false });
  return net.linear('fc', net.globalAveragePool(net.relu(net.batchNorm('bn3', last))), { out: 4 });
};

test("equals PyTorch's second derivative through the backward pass", {
  timeout: 300_000,
}, async (context) => {
  const python = await pythonWith(['torch', 'numpy'], 240_000);
  if (python === undefined) return context.skip('Python with torch cannot be had here');
  await startEngine();
  const plan = trace(forward, [8, 8, 3]);
  const first = initialValues(plan.parameters, 2);
  const [images, target] = [sample([5, 8, 8, 3], 1), tf.mul(sample([5, 8, 8, 3], 2), 0.1)];
  const labels = [3, 0, 1, 2, 3];
  const folder = await mkdtemp(join(tmpdir(), 'distillery-input-gradient-'));
  try {
    const path = join(folder, 'given.json');
    const numbers = (tensor: tf.Tensor) => [...tensor.dataSync()];
    await writeFile(
      path,
      JSON.stringify({
        parameters: Object.fromEntries(
          plan.parameters.map(({ name, shape, interchange }) => [
            name,
            [shape, interchange, [...first[name]]],
          ]),
        ),
        images: numbers(images),
        target: numbers(target),
        labels,
      }),
    );
    await writeFile(join(folder, 'reference.py'), script);
    const { stdout } = await promisify(execFile)(python, [join(folder, 'reference.py'), path]);
    const reference = JSON.parse(stdout) as { distance: number; gradients: Record<string, number[]> };

    const variables = Object.fromEntries(
      plan.parameters.map(({ name, shape, trainable }) => [
        name,
        tf.variable(tf.tensor(first[name], shape), trainable),
      ]),
    );
    const trained = Object.fromEntries(Object.entries(variables).filter(([, { trainable }]) => trainable));
    const { value, gradients } = gradientsOf(() => {
      const training = { seed: 1, step: 0 };
      const own = inputGradient(forward, variables, images, tf.tensor1d(labels, 'int32'), { training });
      return tf.div<tf.Scalar>(tf.sum(tf.square(tf.sub(own, target))), 5);
    }, trained);
    expectClose(value, [reference.distance]);
    expect(Object.keys(gradients).sort()).toEqual(Object.keys(reference.gradients).sort());
    for (const [name, gradient] of Object.entries(gradients)) {
      const largest = Math.max(...reference.gradients[name].map(Math.abs));
      expectClose(gradient, reference.gradients[name], {
        relative: 1e-3,
        absolute: 1e-4 * Math.max(1, largest),
      });
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
