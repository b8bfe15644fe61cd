import { trace } from '@distillery/engine';
import { expect, test } from 'vitest';
import { architectures, bind } from './index.ts';

/** Compares the networks of the literature on distillation with published figures, for images of 32×32 and 100 classes. */

const planOf = (type: string, options: object = {}, shape = [32, 32, 3], classes = 100) =>
  trace(bind(architectures.get(type), architectures.schema.parse({ type, ...options }), { classes }), shape);

/** Returns names and shapes as PyTorch's `state_dict()` does. */
const stateDict = (type: string, options: object = {}) =>
  Object.fromEntries(
    planOf(type, options).parameters.map(({ name, shape, interchange }) => [
      name,
      interchange.map((axis) => shape[axis]),
    ]),
  );

// Counts are computed by hand from the papers' definitions; the last column is published, in millions.
test.each<[string, object, number, string?]>([
  ['resnet', { depth: 8 }, 83_892],
  ['resnet', { depth: 14 }, 181_108],
  ['resnet', {}, 278_324, '0.28'],
  ['resnet', { depth: 32 }, 472_756],
  ['resnet', { depth: 44 }, 667_188],
  ['resnet', { depth: 56 }, 861_620, '0.86'],
  ['resnet', { depth: 110 }, 1_736_564, '1.74'],
  ['resnet', { depth: 8, width: 4 }, 1_233_540, '1.23'],
  ['resnet', { depth: 32, width: 4 }, 7_433_860, '7.43'],
  ['wide_resnet', { depth: 16, width: 1 }, 180_916],
  ['wide_resnet', {}, 703_284, '0.70'],
  ['wide_resnet', { depth: 40, width: 1 }, 569_780, '0.57'],
  ['wide_resnet', { depth: 40, width: 2 }, 2_255_156, '2.26'],
  ['vgg', {}, 3_965_028, '3.97'],
  ['vgg', { depth: 11 }, 9_277_284],
  ['vgg', { depth: 13 }, 9_462_180, '9.46'],
  ['vgg', { depth: 16 }, 14_774_436],
  ['vgg', { depth: 19 }, 20_086_692],
  ['mobilenet_v2', {}, 812_836, '0.81'],
  ['mobilenet_v2', { width: 1 }, 2_353_060],
  ['shufflenet_v2', { width: 0.5 }, 443_716],
  ['shufflenet_v2', {}, 1_355_528, '1.36'],
  ['shufflenet_v2', { width: 1.5 }, 2_580_548],
  // 3072·512 + 512, 512·256 + 256, 256·100 + 100
  ['mlp', {}, 1_730_404],
  // and 2·(512 + 256) of BatchNorm
  ['mlp', { batchNorm: true }, 1_731_940],
])('%s %j has %i parameters', (type, options, count, published) => {
  const { parameterCount } = planOf(type, options);
  expect(parameterCount).toBe(count);
  if (published !== undefined) expect((parameterCount / 1e6).toFixed(2)).toBe(published);
});

// Counts that torchvision publishes for images of 224×224 and 1000 classes.
test.each<[string, object, number]>([
  ['imagenet_resnet', { depth: 18 }, 11_689_512],
  ['imagenet_resnet', { depth: 34 }, 21_797_672],
  ['imagenet_resnet', { depth: 50 }, 25_557_032],
  ['imagenet_resnet', { depth: 101 }, 44_549_160],
  ['imagenet_resnet', { depth: 152 }, 60_192_808],
  ['densenet', {}, 7_978_856],
  ['densenet', { depth: 169 }, 14_149_480],
  ['densenet', { depth: 201 }, 20_013_928],
  ['mobilenet_v3', {}, 5_483_032],
  ['mobilenet_v3', { size: 'small' }, 2_542_856],
  ['efficientnet', {}, 5_288_548],
  ['convnext', {}, 28_589_128],
  ['convnext', { size: 'small' }, 50_223_688],
  ['convnext', { size: 'base' }, 88_591_464],
])('%s %j has %i parameters', (type, options, count) => {
  const { parameterCount, taps } = planOf(type, options, [224, 224, 3], 1000);
  expect(parameterCount).toBe(count);
  // Each resolution below that of the stem ends in a tap, the last one of 7×7.
  const stages = Object.entries(taps).filter(([name]) => /^stage\d$/.test(name));
  expect(stages.at(-1)?.[1].slice(0, 2)).toEqual([7, 7]);
});

// Counts of Hugging Face's code with the vocabulary of BERT, 2 classes.
test.each<[string, object, number]>([
  ['distilbert', {}, 66_955_010],
  ['bert', {}, 109_483_778],
  ['bert', { size: 'minilm' }, 33_360_770],
  ['bert', { size: 'tiny' }, 4_386_178],
])('%s %j has %i parameters', (type, options, count) => {
  const choice = architectures.schema.parse({ type, ...options });
  const forward = bind(architectures.get(type), choice, { classes: 2, vocabulary: 30_522 });
  expect(trace(forward, [128]).parameterCount).toBe(count);
});

// Counts of DeiT's code for images of 224×224 in patches of 16 and 1000 classes.
test.each<[object, number]>([
  [{}, 5_717_416],
  [{ size: 'small' }, 22_050_664],
  [{ distillationToken: true }, 5_910_800],
  [{ size: 'small', distillationToken: true }, 22_436_432],
])('vit %j has %i parameters', (options, count) => {
  expect(planOf('vit', { patch: 16, ...options }, [224, 224, 3], 1000).parameterCount).toBe(count);
});

const norm = (name: string, channels: number) =>
  ['weight', 'bias', 'running_mean', 'running_var'].map((part) => [`${name}.${part}`, [channels]]);

test("resnet's weights have PyTorch's names and shapes, in its order", () => {
  expect(Object.entries(stateDict('resnet', { depth: 8 }))).toEqual([
    ['conv1.weight', [16, 3, 3, 3]],
    ...norm('bn1', 16),
    ['layer1.0.conv1.weight', [16, 16, 3, 3]],
    ...norm('layer1.0.bn1', 16),
    ['layer1.0.conv2.weight', [16, 16, 3, 3]],
    ...norm('layer1.0.bn2', 16),
    ['layer2.0.conv1.weight', [32, 16, 3, 3]],
    ...norm('layer2.0.bn1', 32),
    ['layer2.0.conv2.weight', [32, 32, 3, 3]],
    ...norm('layer2.0.bn2', 32),
    ['layer2.0.downsample.0.weight', [32, 16, 1, 1]],
    ...norm('layer2.0.downsample.1', 32),
    ['layer3.0.conv1.weight', [64, 32, 3, 3]],
    ...norm('layer3.0.bn1', 64),
    ['layer3.0.conv2.weight', [64, 64, 3, 3]],
    ...norm('layer3.0.bn2', 64),
    ['layer3.0.downsample.0.weight', [64, 32, 1, 1]],
    ...norm('layer3.0.downsample.1', 64),
    ['fc.weight', [100, 64]],
    ['fc.bias', [100]],
  ]);
  // The wide networks also change channels in the first stage.
  expect(stateDict('resnet', { depth: 8, width: 4 })).toMatchObject({
    'layer1.0.downsample.0.weight': [64, 32, 1, 1],
    'layer3.0.conv2.weight': [256, 256, 3, 3],
  });
});

test.each<[string, object, Record<string, number[]>, string[]]>([
  [
    'wide_resnet',
    {},
    {
      'conv1.weight': [16, 3, 3, 3],
      'block1.layer.0.bn1.weight': [16],
      'block1.layer.0.convShortcut.weight': [32, 16, 1, 1],
      'block2.layer.1.conv2.weight': [64, 64, 3, 3],
      'block3.layer.1.bn2.running_var': [128],
      'bn1.running_mean': [128],
      'fc.weight': [100, 128],
    },
    ['conv1.bias', 'block1.layer.1.convShortcut.weight', 'block1.layer.2.conv1.weight'],
  ],
  [
    'vgg',
    { depth: 13 },
    {
      'block0.0.weight': [64, 3, 3, 3],
      'block0.0.bias': [64],
      'block0.1.running_mean': [64],
      'block0.3.weight': [64, 64, 3, 3],
      'block4.4.weight': [512],
      'classifier.weight': [100, 512],
    },
    ['block0.2.weight', 'block0.6.weight', 'block5.0.weight'],
  ],
  [
    'mobilenet_v2',
    {},
    {
      'conv1.0.weight': [16, 3, 3, 3],
      'conv1.1.bias': [16],
      'blocks.0.0.conv.0.weight': [16, 16, 1, 1],
      'blocks.1.1.conv.3.weight': [72, 1, 3, 3],
      'blocks.6.0.conv.6.weight': [160, 480, 1, 1],
      'blocks.6.0.conv.7.running_var': [160],
      'conv2.0.weight': [1280, 160, 1, 1],
      'classifier.0.weight': [100, 1280],
    },
    ['conv1.0.bias', 'blocks.0.1.conv.0.weight', 'blocks.6.1.conv.0.weight'],
  ],
  [
    'shufflenet_v2',
    {},
    {
      'conv1.weight': [24, 3, 1, 1],
      'layer1.0.conv1.weight': [24, 1, 3, 3],
      'layer1.0.conv2.weight': [58, 24, 1, 1],
      'layer1.0.bn5.bias': [58],
      'layer2.7.conv2.weight': [116, 1, 3, 3],
      'layer3.3.bn3.running_mean': [232],
      'conv2.weight': [1024, 464, 1, 1],
      'linear.weight': [100, 1024],
    },
    ['conv1.bias', 'layer1.1.conv4.weight', 'layer1.4.conv1.weight'],
  ],
  [
    'mlp',
    { hidden: [8, 6], batchNorm: true },
    {
      'hidden.0.weight': [8, 3072],
      'hidden.1.running_mean': [8],
      'hidden.4.weight': [6, 8],
      'hidden.5.bias': [6],
      'classifier.weight': [100, 6],
    },
    ['hidden.2.weight', 'hidden.3.weight', 'hidden.6.weight'],
  ],
  [
    'mlp',
    { hidden: [8, 6] },
    { 'hidden.0.bias': [8], 'hidden.3.weight': [6, 8] },
    ['hidden.1.weight', 'hidden.4.weight'],
  ],
  [
    'vit',
    { distillationToken: true },
    {
      cls_token: [1, 1, 192],
      dist_token: [1, 1, 192],
      pos_embed: [1, 66, 192],
      'patch_embed.proj.weight': [192, 3, 4, 4],
      'patch_embed.proj.bias': [192],
      'blocks.0.norm1.weight': [192],
      'blocks.11.attn.qkv.weight': [576, 192],
      'blocks.11.attn.proj.bias': [192],
      'blocks.11.mlp.fc1.weight': [768, 192],
      'blocks.11.mlp.fc2.weight': [192, 768],
      'norm.weight': [192],
      'head.weight': [100, 192],
      'head_dist.bias': [100],
    },
    ['blocks.12.norm1.weight', 'pre_logits.fc.weight'],
  ],
])("%s %j has PyTorch's names", (type, options, some, absent) => {
  const names = stateDict(type, options);
  expect(names).toMatchObject(some);
  for (const name of absent) expect(names).not.toHaveProperty([name]);
});

/** A stage that ends in a ReLU, with the map before it. */
const stage = (index: number, shape: number[]) => [
  [`stage${index}_pre`, shape],
  [`stage${index}`, shape],
];

test.each<[string, object, unknown[]]>([
  [
    'resnet',
    {},
    [
      ['stem', [32, 32, 16]],
      ...stage(1, [32, 32, 16]),
      ...stage(2, [16, 16, 32]),
      ...stage(3, [8, 8, 64]),
      ['features', [64]],
    ],
  ],
  [
    'wide_resnet',
    {},
    [
      ['stem', [32, 32, 16]],
      ['stage1', [32, 32, 32]],
      ['stage1_pre', [32, 32, 32]],
      ['stage2', [16, 16, 64]],
      ['stage2_pre', [16, 16, 64]],
      ['stage3', [8, 8, 128]],
      ['stage3_pre', [8, 8, 128]],
      ['features', [128]],
    ],
  ],
  [
    'vgg',
    {},
    [
      ...stage(1, [32, 32, 64]),
      ...stage(2, [16, 16, 128]),
      ...stage(3, [8, 8, 256]),
      ...stage(4, [4, 4, 512]),
      ...stage(5, [4, 4, 512]),
      ['features', [512]],
    ],
  ],
  [
    'mobilenet_v2',
    {},
    [
      ['stem', [16, 16, 16]],
      ['stage1', [16, 16, 12]],
      ['stage2', [8, 8, 16]],
      ['stage3', [4, 4, 48]],
      ['stage4', [2, 2, 160]],
      ['features', [1280]],
    ],
  ],
  [
    'shufflenet_v2',
    {},
    [
      ['stem', [32, 32, 24]],
      ...stage(1, [16, 16, 116]),
      ...stage(2, [8, 8, 232]),
      ...stage(3, [4, 4, 464]),
      ['features', [1024]],
    ],
  ],
  [
    'mlp',
    { hidden: [8, 6] },
    [
      ['hidden1', [8]],
      ['hidden2', [6]],
      ['features', [6]],
    ],
  ],
])('%s %j has its taps, in the order in which they are computed', (type, options, taps) => {
  expect(Object.entries(planOf(type, options).taps)).toEqual([...taps, ['logits', [100]]]);
});

test('initial weights are those of the literature', () => {
  const first = (type: string, name: string) =>
    planOf(type).parameters.find((parameter) => parameter.name === name)?.initializer;
  // kaiming_normal_, fan_out: √(2 / (3·3·32))
  const deviation = Math.sqrt(2 / 288);
  expect(first('resnet', 'layer2.0.conv1.weight')).toEqual({ type: 'normal', deviation });
  expect(first('wide_resnet', 'block1.layer.0.conv1.weight')).toEqual({ type: 'normal', deviation });
  expect(first('vgg', 'block0.0.bias')).toEqual({ type: 'constant', value: 0 });
  expect(first('vgg', 'classifier.weight')).toEqual({ type: 'normal', deviation: 0.01 });
  // A depthwise convolution has as many outputs as channels: √(2 / (3·3·72))
  expect(first('mobilenet_v2', 'blocks.1.1.conv.3.weight')).toEqual({
    type: 'normal',
    deviation: Math.sqrt(2 / 648),
  });
  // PyTorch's default: 1/√9
  expect(first('shufflenet_v2', 'layer1.0.conv1.weight')).toEqual({ type: 'uniform', bound: 1 / 3 });
  for (const name of ['cls_token', 'pos_embed', 'blocks.0.mlp.fc1.weight', 'head.weight']) {
    expect(first('vit', name)).toEqual({ type: 'normal', deviation: 0.02 });
  }
  // A convolution of 3·4·4 numbers, PyTorch's default
  expect(first('vit', 'patch_embed.proj.weight')).toEqual({ type: 'uniform', bound: 1 / Math.sqrt(48) });
});

test("vit's taps are named by layer, and so are its two heads if it has them", () => {
  const sequence = [17, 8];
  const layer = (i: number) => [
    [`queries${i}`, sequence],
    [`keys${i}`, sequence],
    [`values${i}`, sequence],
    [`attention${i}`, [2, 17, 17]],
    [`hidden${i}`, sequence],
  ];
  const of = { patch: 8, width: 8, depth: 2, heads: 2 };
  const ends = [
    ['features', [8]],
    ['logits', [100]],
  ];
  expect(Object.entries(planOf('vit', of).taps)).toEqual([...layer(1), ...layer(2), ...ends]);
  const { taps } = planOf('vit', { ...of, distillationToken: true });
  expect(Object.keys(taps).slice(-4)).toEqual(['features', 'class', 'distillation', 'logits']);
  expect(taps).toMatchObject({
    class: [100],
    distillation: [100],
    hidden2: [18, 8],
    attention2: [2, 18, 18],
  });
});

test('vit refuses patches that do not tile the image, and heads that do not divide the width', () => {
  expect(() => planOf('vit', {}, [30, 32, 3])).toThrow(RangeError);
  expect(() => planOf('vit', {}, [30, 32, 3])).toThrow('patches of 4×4 pixels do not tile an image of 30×32');
  expect(() => planOf('vit', { width: 100 })).toThrow(/blocks.0.attn: the width 100 .*divisible by 3 heads/);
});

test('accepts larger images, and VGG pools those of 64 pixels once more', () => {
  expect(planOf('vgg', {}, [64, 64, 3]).taps).toMatchObject({
    stage4: [8, 8, 512],
    stage5: [4, 4, 512],
    features: [512],
  });
  expect(planOf('resnet', {}, [96, 64, 1]).taps).toMatchObject({ stage3: [24, 16, 64], features: [64] });
});

test('refuses images that are too small for the poolings', () => {
  expect(() => planOf('vgg', {}, [7, 32, 3])).toThrow(RangeError);
  expect(() => planOf('vgg', {}, [7, 32, 3])).toThrow(/maxPool: the input is too small/);
});

test.each([
  ['resnet', { depth: 18 }],
  ['resnet', { width: 2 }],
  ['wide_resnet', { depth: 20 }],
  ['wide_resnet', { width: 0 }],
  ['vgg', { depth: 12 }],
  ['mobilenet_v2', { width: 0.3 }],
  ['shufflenet_v2', { width: 2 }],
  ['mlp', { hidden: [] }],
  ['mlp', { hidden: [0] }],
  ['mlp', { activation: 'swish' }],
  ['vit', { size: 'base' }],
  ['vit', { patch: 0 }],
])('%s refuses %j', (type, options) => {
  expect(architectures.schema.safeParse({ type, ...options }).success).toBe(false);
});
