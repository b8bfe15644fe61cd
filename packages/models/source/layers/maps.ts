import { z } from 'zod';
import { activation, type LayerKind, square } from './layer-kind.ts';
import { symmetricPadding } from './padding.ts';

/** Layers without a kernel: activations, normalisation, pooling, dropout and joins. */

const channelsLast = { data_format: z.literal('channels_last') };
const none = z.strictObject({});
const lastAxis = z.literal([-1, 3]).or(z.tuple([z.literal([-1, 3])]));

/**
 * Momentum and epsilon are those of every network in this package, PyTorch's: 0.1 (0.9 in Keras' definition) and 1e-5.
 */
export const batchNormalization: LayerKind<typeof none> = {
  layer: 'batch_normalization',
  className: 'BatchNormalization',
  options: none,
  neutral: {
    axis: lastAxis,
    momentum: z.number(),
    epsilon: z.number(),
    center: z.literal(true),
    scale: z.literal(true),
    synchronized: z.literal(false),
    renorm: z.literal(false),
    renorm_momentum: z.unknown(),
    renorm_clipping: z.null(),
    ...Object.fromEntries(
      ['beta', 'gamma', 'moving_mean', 'moving_variance'].map((part) => [`${part}_initializer`, z.unknown()]),
    ),
  },
  apply: (net, name, [x]) => net.batchNorm(name, x),
};

const activationOptions = z.strictObject({ activation: activation.unwrap() });

export const activationLayer: LayerKind<typeof activationOptions> = {
  layer: 'activation',
  className: 'Activation',
  options: activationOptions,
  apply: (_net, _name, [x]) => x,
};

const reluOptions = z.strictObject({ max_value: z.literal([6, null]).default(null) });

export const relu: LayerKind<typeof reluOptions> = {
  layer: 'relu',
  className: 'ReLU',
  options: reluOptions,
  neutral: { negative_slope: z.literal(0), threshold: z.literal(0) },
  apply: (net, _name, [x], { max_value: maximum }) => (maximum === 6 ? net.relu6(x) : net.relu(x)),
};

const poolOptions = z.strictObject({
  pool_size: square(64).default(2),
  strides: square(64).nullable().default(null).describe('Stride of the windows. Null means the pool size.'),
  padding: z
    .enum(['valid', 'same'])
    .default('valid')
    .describe('Padding, as in Keras. "same" is only allowed where it needs no zeros.'),
});
type PoolOptions = z.output<typeof poolOptions>;

/**
 * Returns the size and stride of a pooling.
 *
 * @throws RangeError if padding "same" needs zeros, which poolings do not support
 */
function windows({ pool_size: size, strides, padding }: PoolOptions, shape: () => readonly number[]) {
  const stride = strides ?? size;
  // Only this case needs the shape; the others must not wait for the input to be computed.
  if (padding === 'same') {
    const zeros = symmetricPadding(padding, { kernel: size, stride }, shape);
    if (zeros > 0) {
      throw new RangeError(
        `padding "same" needs ${zeros} zeros on each side of the map, which poolings do not support: use "valid"`,
      );
    }
  }
  return { size, stride };
}

export const maxPooling2d: LayerKind<typeof poolOptions> = {
  layer: 'max_pooling2d',
  className: 'MaxPooling2D',
  options: poolOptions,
  neutral: channelsLast,
  apply: (net, _name, [x], options) =>
    net.maxPool(
      x,
      windows(options, () => net.shape(x)),
    ),
};

export const averagePooling2d: LayerKind<typeof poolOptions> = {
  layer: 'average_pooling2d',
  className: 'AveragePooling2D',
  options: poolOptions,
  neutral: channelsLast,
  apply: (net, _name, [x], options) =>
    net.averagePool(
      x,
      windows(options, () => net.shape(x)),
    ),
};

export const globalAveragePooling2d: LayerKind<typeof none> = {
  layer: 'global_average_pooling2d',
  className: 'GlobalAveragePooling2D',
  options: none,
  neutral: { ...channelsLast, keepdims: z.literal(false) },
  apply: (net, _name, [x]) => net.globalAveragePool(x),
};

/** Flattens with channels outermost, as PyTorch does; Keras has them innermost. It makes no difference to training. */
export const flatten: LayerKind<typeof none> = {
  layer: 'flatten',
  className: 'Flatten',
  options: none,
  neutral: channelsLast,
  apply: (net, _name, [x]) => net.flatten(x),
};

const dropoutOptions = z.strictObject({ rate: z.number().min(0).lt(1) });

export const dropout: LayerKind<typeof dropoutOptions> = {
  layer: 'dropout',
  className: 'Dropout',
  options: dropoutOptions,
  neutral: { seed: z.unknown() },
  passes: true,
  apply: (net, name, [x], { rate }) => net.dropout(name, x, rate),
};

export const add: LayerKind<typeof none> = {
  layer: 'add',
  className: 'Add',
  options: none,
  joins: true,
  apply: (net, _name, [first, ...others]) => others.reduce((sum, map) => net.add(sum, map), first),
};

export const concatenate: LayerKind<typeof none> = {
  layer: 'concatenate',
  className: 'Concatenate',
  options: none,
  neutral: { axis: lastAxis },
  joins: true,
  apply: (net, _name, maps) => net.concat(maps),
};
