import { z } from 'zod';
import { initializer, initialWeight } from './initializers.ts';
import { activation, type LayerKind, square } from './layer-kind.ts';
import { padding, symmetricPadding } from './padding.ts';

/** Layers with a kernel of weights. Biases start at zero, as in Keras. */

const zeros = { type: 'constant', value: 0 } as const;
const neutral = {
  data_format: z.literal('channels_last'),
  dilation_rate: z.literal(1).or(z.tuple([z.literal(1), z.literal(1)])),
  groups: z.literal(1),
  bias_initializer: z.literal('zeros').or(z.looseObject({ class_name: z.literal('Zeros') })),
};

const conv2dOptions = z.strictObject({
  filters: z.int().min(1).max(16_384),
  kernel_size: square(63),
  strides: square(63).default(1),
  padding,
  activation,
  use_bias: z.boolean().default(true),
  kernel_initializer: initializer,
});

export const conv2d: LayerKind<typeof conv2dOptions> = {
  layer: 'conv2d',
  className: 'Conv2D',
  options: conv2dOptions,
  neutral,
  apply(net, name, [x], { filters: out, kernel_size: kernel, strides: stride, use_bias: bias, ...options }) {
    const shape = () => net.shape(x);
    const area = kernel * kernel;
    return net.conv(name, x, {
      out,
      kernel,
      stride,
      padding: symmetricPadding(options.padding, { kernel, stride }, shape),
      bias,
      initialWeight: initialWeight(options.kernel_initializer, area * shape()[2], area * out),
      initialBias: zeros,
    });
  },
};

const depthwiseOptions = z.strictObject({
  kernel_size: square(63),
  strides: square(63).default(1),
  padding,
  activation,
  use_bias: z
    .literal(false, { error: 'must be false: depthwise convolutions with bias are not supported' })
    .default(false),
  depthwise_initializer: initializer,
});

export const depthwiseConv2d: LayerKind<typeof depthwiseOptions> = {
  layer: 'depthwise_conv2d',
  className: 'DepthwiseConv2D',
  options: depthwiseOptions,
  neutral: { ...neutral, depth_multiplier: z.literal(1) },
  apply(net, name, [x], { kernel_size: kernel, strides: stride, ...options }) {
    const shape = () => net.shape(x);
    const area = kernel * kernel;
    return net.depthwise(name, x, {
      kernel,
      stride,
      padding: symmetricPadding(options.padding, { kernel, stride }, shape),
      // Fan-in and fan-out are those that Keras computes for a kernel [k, k, channels, 1].
      initialWeight: initialWeight(options.depthwise_initializer, area * shape()[2], area),
    });
  },
};

const denseOptions = z.strictObject({
  units: z.int().min(1).max(65_536),
  activation,
  use_bias: z.boolean().default(true),
  kernel_initializer: initializer,
});

export const dense: LayerKind<typeof denseOptions> = {
  layer: 'dense',
  className: 'Dense',
  options: denseOptions,
  neutral: { bias_initializer: neutral.bias_initializer },
  apply(net, name, [x], { units: out, use_bias: bias, kernel_initializer: first }) {
    const shape = net.shape(x);
    // Keras would apply it to each position, but who writes this has usually forgotten to flatten.
    if (shape.length === 3)
      throw new RangeError(`a dense layer takes a vector, not [${shape}]: flatten the map first`);
    const [fanIn] = shape;
    return net.linear(name, x, {
      out,
      bias,
      initialWeight: initialWeight(first, fanIn, out),
      initialBias: zeros,
    });
  },
};
