import { initialValues, type ParameterSpec } from '@distillery/engine';

/** Networks for images of 32×32 pixels that together have every operation of a network for images. */
export const exampleNetworks: Record<string, { type: string } & Record<string, unknown>> = {
  lightnn: { type: 'lightnn', dropout: 0 },
  deepnn: { type: 'deepnn', dropout: 0 },
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

/** Networks that are written for the weights of other libraries, for the same images, with the operations that only they have. */
export const publishedNetworks: typeof exampleNetworks = {
  resnet18: { type: 'imagenet_resnet' },
  'mobilenet-v3': { type: 'mobilenet_v3', size: 'small', stem: 'small' },
  efficientnet: { type: 'efficientnet', stem: 'small' },
  convnext: { type: 'convnext', patch: 2 },
};

/**
 * Returns first weights whose constants are moved, because untrained norms are the identity and biases are 0, which hides
 * mistakes. Variances stay positive.
 */
export function movedValues(parameters: readonly ParameterSpec[]): Record<string, Float32Array> {
  const first = initialValues(parameters, 1);
  const moved = (name: string) => first[name].map((value, i) => value + 0.3 * Math.sin(i + name.length));
  return Object.fromEntries(
    parameters.map(({ name, initializer }) => [
      name,
      initializer.type === 'constant' ? moved(name) : first[name],
    ]),
  );
}
