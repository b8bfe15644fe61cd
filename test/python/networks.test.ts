import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { encodeSafetensors, permute } from '@distillery/formats';
import { initialValues, run, startEngine, trace } from '@distillery/engine';
import { architectures, bind } from '@distillery/models';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { pythonTimeout, pythonWith } from '../testing/python.ts';

/** The same networks in PyTorch. Loads the weights of each and prints its logits for the same images. */
const evaluation = `
import json, sys, torch, safetensors.torch
from torch import nn
from torch.nn.functional import channel_shuffle, relu

def conv(i, o, k=3, s=1, g=1):
    return nn.Conv2d(i, o, k, s, k // 2, groups=g, bias=False)

def means(x):
    return x.mean((2, 3))

class Block(nn.Module):
    def __init__(self, i, o, s):
        super().__init__()
        self.conv1, self.bn1 = conv(i, o, 3, s), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = conv(o, o), nn.BatchNorm2d(o)
        self.downsample = nn.Sequential() if (i, s) == (o, 1) else nn.Sequential(conv(i, o, 1, s), nn.BatchNorm2d(o))
    def forward(self, x):
        y = relu(self.bn1(self.conv1(x)))
        return relu(self.bn2(self.conv2(y)) + self.downsample(x))

class ResNet(nn.Module):
    def __init__(self, depth, stem, *widths):
        super().__init__()
        self.conv1, self.bn1, i = conv(3, stem), nn.BatchNorm2d(stem), stem
        for k, o in enumerate(widths):
            blocks = [Block(i if b == 0 else o, o, 2 if b == 0 and k > 0 else 1) for b in range((depth - 2) // 6)]
            setattr(self, f"layer{k + 1}", nn.Sequential(*blocks))
            i = o
        self.fc = nn.Linear(i, 10)
    def forward(self, x):
        x = relu(self.bn1(self.conv1(x)))
        return self.fc(means(self.layer3(self.layer2(self.layer1(x)))))

class PreBlock(nn.Module):
    def __init__(self, i, o, s):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(i), conv(i, o, 3, s)
        self.bn2, self.conv2 = nn.BatchNorm2d(o), conv(o, o)
        if i != o: self.convShortcut = conv(i, o, 1, s)
    def forward(self, x):
        y = relu(self.bn1(x))
        z = self.conv2(relu(self.bn2(self.conv1(y))))
        return z + (self.convShortcut(y) if hasattr(self, "convShortcut") else x)

class Layer(nn.Module):
    def __init__(self, *blocks):
        super().__init__()
        self.layer = nn.Sequential(*blocks)
    def forward(self, x):
        return self.layer(x)

class WideResNet(nn.Module):
    def __init__(self, depth, width):
        super().__init__()
        self.conv1, i = conv(3, 16), 16
        for k in range(3):
            o = 16 * 2 ** k * width
            blocks = [PreBlock(i if b == 0 else o, o, 2 if b == 0 and k > 0 else 1) for b in range((depth - 4) // 6)]
            setattr(self, f"block{k + 1}", Layer(*blocks))
            i = o
        self.bn1, self.fc = nn.BatchNorm2d(i), nn.Linear(i, 10)
    def forward(self, x):
        x = self.block3(self.block2(self.block1(self.conv1(x))))
        return self.fc(means(relu(self.bn1(x))))

class VGG(nn.Module):
    def __init__(self, *counts):
        super().__init__()
        i = 3
        for k, (count, o) in enumerate(zip(counts, (64, 128, 256, 512, 512))):
            layers = []
            for _ in range(count):
                layers += [nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU()]
                i = o
            setattr(self, f"block{k}", nn.Sequential(*layers))
        self.classifier = nn.Linear(512, 10)
    def forward(self, x):
        pool = nn.MaxPool2d(2)
        x = self.block3(pool(self.block2(pool(self.block1(pool(self.block0(x)))))))
        return self.classifier(means(self.block4(x)))

class Inverted(nn.Module):
    def __init__(self, i, o, t, s):
        super().__init__()
        h, self.keeps = i * t, s == 1 and i == o
        self.conv = nn.Sequential(
            conv(i, h, 1), nn.BatchNorm2d(h), nn.ReLU(), conv(h, h, 3, s, h), nn.BatchNorm2d(h), nn.ReLU(),
            conv(h, o, 1), nn.BatchNorm2d(o))
    def forward(self, x):
        return x + self.conv(x) if self.keeps else self.conv(x)

class MobileNetV2(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Sequential(conv(3, 16, 3, 2), nn.BatchNorm2d(16), nn.ReLU())
        groups, i = [], 16
        for t, o, n, s in [(1, 8, 1, 1), (6, 12, 2, 1), (6, 16, 3, 2), (6, 32, 4, 2), (6, 48, 3, 1), (6, 80, 3, 2), (6, 160, 1, 1)]:
            groups.append(nn.Sequential(*[Inverted(i if b == 0 else o, o, t, s if b == 0 else 1) for b in range(n)]))
            i = o
        self.blocks = nn.Sequential(*groups)
        self.conv2 = nn.Sequential(conv(i, 1280, 1), nn.BatchNorm2d(1280), nn.ReLU())
        self.classifier = nn.Sequential(nn.Linear(1280, 10))
    def forward(self, x):
        return self.classifier(means(self.conv2(self.blocks(self.conv1(x)))))

class Keeping(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv1, self.bn1 = conv(c, c, 1), nn.BatchNorm2d(c)
        self.conv2, self.bn2 = conv(c, c, 3, 1, c), nn.BatchNorm2d(c)
        self.conv3, self.bn3 = conv(c, c, 1), nn.BatchNorm2d(c)
    def forward(self, x):
        left, right = x.chunk(2, 1)
        right = self.bn2(self.conv2(relu(self.bn1(self.conv1(right)))))
        return channel_shuffle(torch.cat([left, relu(self.bn3(self.conv3(right)))], 1), 2)

class Halving(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.conv1, self.bn1 = conv(i, i, 3, 2, i), nn.BatchNorm2d(i)
        self.conv2, self.bn2 = conv(i, o, 1), nn.BatchNorm2d(o)
        self.conv3, self.bn3 = conv(i, o, 1), nn.BatchNorm2d(o)
        self.conv4, self.bn4 = conv(o, o, 3, 2, o), nn.BatchNorm2d(o)
        self.conv5, self.bn5 = conv(o, o, 1), nn.BatchNorm2d(o)
    def forward(self, x):
        left = relu(self.bn2(self.conv2(self.bn1(self.conv1(x)))))
        right = self.bn4(self.conv4(relu(self.bn3(self.conv3(x)))))
        return channel_shuffle(torch.cat([left, relu(self.bn5(self.conv5(right)))], 1), 2)

class ShuffleNetV2(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1, i = conv(3, 24, 1), nn.BatchNorm2d(24), 24
        for k, (o, n) in enumerate([(116, 3), (232, 7), (464, 3)]):
            setattr(self, f"layer{k + 1}", nn.Sequential(Halving(i, o // 2), *[Keeping(o // 2) for _ in range(n)]))
            i = o
        self.conv2, self.bn2, self.linear = conv(i, 1024, 1), nn.BatchNorm2d(1024), nn.Linear(1024, 10)
    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(relu(self.bn1(self.conv1(x))))))
        return self.linear(means(relu(self.bn2(self.conv2(x)))))

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

class Attention(nn.Module):
    def __init__(self, w, heads):
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(w, 3 * w), nn.Linear(w, w)
    def forward(self, x):
        split = lambda y: y.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        y = nn.functional.scaled_dot_product_attention(*map(split, self.qkv(x).chunk(3, -1)))
        return self.proj(y.transpose(1, 2).flatten(2))

class Mlp(nn.Module):
    def __init__(self, w, hidden):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(w, hidden), nn.Linear(hidden, w)
    def forward(self, x):
        return self.fc2(nn.functional.gelu(self.fc1(x)))

class Encoder(nn.Module):
    def __init__(self, w, heads, hidden):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(w, 1e-6), Attention(w, heads)
        self.norm2, self.mlp = nn.LayerNorm(w, 1e-6), Mlp(w, hidden)
    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))

class Patches(nn.Module):
    def __init__(self, w, patch):
        super().__init__()
        self.proj = nn.Conv2d(3, w, patch, patch)
    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)

class ViT(nn.Module):
    def __init__(self, w, depth, heads, patch, distilled):
        super().__init__()
        count = (32 // patch) ** 2 + 1
        self.patch_embed, self.norm, self.head = Patches(w, patch), nn.LayerNorm(w, 1e-6), nn.Linear(w, 10)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, w))
        if distilled: self.dist_token, self.head_dist = nn.Parameter(torch.zeros(1, 1, w)), nn.Linear(w, 10)
        self.pos_embed = nn.Parameter(torch.zeros(1, count + distilled, w))
        self.blocks = nn.Sequential(*[Encoder(w, heads, 4 * w) for _ in range(depth)])
    def forward(self, x):
        tokens = [self.cls_token] + ([self.dist_token] if hasattr(self, "dist_token") else [])
        x = torch.cat([t.expand(len(x), -1, -1) for t in tokens] + [self.patch_embed(x)], 1) + self.pos_embed
        x = self.norm(self.blocks(x))
        if not hasattr(self, "head_dist"): return self.head(x[:, 0])
        return (self.head(x[:, 0]) + self.head_dist(x[:, 1])) / 2

models = {
    "resnet14": ResNet(14, 16, 16, 32, 64), "resnet8x4": ResNet(8, 32, 64, 128, 256), "wrn-16-2": WideResNet(16, 2),
    "vgg11": VGG(1, 1, 2, 2, 2), "mobilenet": MobileNetV2(), "shufflenet": ShuffleNetV2(), "mlp": MLP(40, 20), "layers": Layers(),
    "vit": ViT(48, 3, 3, 4, False), "deit": ViT(32, 2, 4, 8, True)}
answer = {}
for name, model in models.items():
    state = safetensors.torch.load_file(f"{sys.argv[1]}/{name}.safetensors")
    images = state.pop("images").permute(0, 3, 1, 2).contiguous()
    model.load_state_dict(state)
    with torch.no_grad():
        answer[name] = {mode: model.train(mode == "training")(images).flatten().tolist() for mode in ("evaluation", "training")}
print(json.dumps(answer))
`;

const networks = {
  resnet14: { type: 'resnet', depth: 14 },
  resnet8x4: { type: 'resnet', depth: 8, width: 4 },
  'wrn-16-2': { type: 'wide_resnet', depth: 16, width: 2 },
  vgg11: { type: 'vgg', depth: 11 },
  mobilenet: { type: 'mobilenet_v2' },
  shufflenet: { type: 'shufflenet_v2' },
  mlp: { type: 'mlp', hidden: [40, 20], batchNorm: true },
  layers: {
    type: 'layers',
    layers: [
      { layer: 'conv2d', name: 'c1', filters: 8, kernel_size: 3, padding: 'same', activation: 'relu' },
      { layer: 'batch_normalization', name: 'n1' },
      { layer: 'max_pooling2d', name: 'p1' },
      { layer: 'conv2d', name: 'c2', filters: 8, kernel_size: 1 },
      { layer: 'concatenate', inputs: ['p1', 'c2'] },
      { layer: 'average_pooling2d' },
      { layer: 'flatten' },
      { layer: 'dense', name: 'd1', units: 32, activation: 'relu' },
    ],
    classifier: true,
  },
  vit: { type: 'vit', width: 48, depth: 3, heads: 3 },
  deit: { type: 'vit', width: 32, depth: 2, heads: 4, patch: 8, distillationToken: true },
};

/** Changes weights, because untrained norms are the identity and biases are 0, which hides mistakes. Variances stay positive. */
function moved(name: string, values: Float32Array): Float32Array {
  return values.map((value, i) => value + 0.3 * Math.sin(i + name.length));
}

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
    const expected: Record<string, Record<string, Float32Array>> = {};
    for (const [name, options] of Object.entries(networks)) {
      const choice = architectures.schema.parse(options);
      const forward = bind(architectures.get(choice.type), choice, { classes: 10 });
      const { parameters } = trace(forward, [32, 32, 3]);
      const first = initialValues(parameters, 1);
      const values = Object.fromEntries(
        parameters.map(({ name: key, initializer }) => [
          key,
          initializer.type === 'constant' ? moved(key, first[key]) : first[key],
        ]),
      );
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
    const { stdout } = await promisify(execFile)(python, [join(folder, 'evaluate.py'), folder]);
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
