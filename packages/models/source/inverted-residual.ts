import type { ActivationFunction, BatchNormOptions, Net } from '@distillery/engine';
import { heNormal, zero } from './convolution.ts';

/** A function behind a layer: a ReLU or one of `Net.activate`. */
export type Activation = 'relu' | ActivationFunction;

function activated<T>(net: Net<T>, x: T, by: Activation): T {
  return by === 'relu' ? net.relu(x) : net.activate(x, by);
}

/** The squeeze-and-excitation of a block (Hu et al., CVPR 2018, arXiv:1709.01507). */
interface Excitation {
  /** The channels that the mean of the map is squeezed to. */
  squeeze: number;
  activation: Activation;
  gate: ActivationFunction;
}

export interface InvertedResidualOptions {
  /** The channels of the wide part. Where these are the channels of the input, the first convolution is left out. */
  expanded: number;
  out: number;
  kernel: number;
  stride: number;
  activation: Activation;
  excitation?: Excitation | undefined;
  norm?: BatchNormOptions;
  /** The probability that the block is skipped in training. */
  stochasticDepth?: number;
}

/**
 * Widens, filters each channel separately, weighs the channels and narrows without an activation, with a shortcut where
 * the shape stays the same: the block of MobileNetV3 and EfficientNet, with torchvision's names (`<name>.0.0.weight`).
 */
export function invertedResidual<T>(net: Net<T>, name: string, x: T, options: InvertedResidualOptions): T {
  const { expanded, out, kernel, stride, activation, excitation, norm = {} } = options;
  const channels = net.shape(x)[2];
  let part = 0;
  let y = x;
  const next = () => `${name}.${part++}`;
  if (expanded !== channels) y = convNorm(net, next(), y, { out: expanded, kernel: 1, activation, norm });
  const layer = next();
  const filtered = net.depthwise(`${layer}.0`, y, {
    kernel,
    stride,
    padding: (kernel - 1) / 2,
    initialWeight: heNormal(kernel, expanded),
  });
  y = activated(net, net.batchNorm(`${layer}.1`, filtered, norm), activation);
  if (excitation !== undefined) y = excite(net, next(), y, excitation);
  y = convNorm(net, next(), y, { out, kernel: 1, norm });
  if (stride !== 1 || channels !== out) return y;
  return net.add(net.dropPath(name, y, options.stochasticDepth ?? 0), x);
}

/** A convolution without bias, BatchNorm and, where one is given, an activation: `<name>.0` and `<name>.1`. */
export function convNorm<T>(
  net: Net<T>,
  name: string,
  x: T,
  options: {
    out: number;
    kernel: number;
    stride?: number;
    activation?: Activation;
    norm?: BatchNormOptions;
  },
): T {
  const { out, kernel, stride = 1, activation, norm = {} } = options;
  const initialWeight = heNormal(kernel, out);
  const shape = { out, kernel, stride, padding: (kernel - 1) / 2, bias: false, initialWeight };
  const y = net.batchNorm(`${name}.1`, net.conv(`${name}.0`, x, shape), norm);
  return activation === undefined ? y : activated(net, y, activation);
}

/** Multiplies each channel by a number that the means of all channels determine. */
function excite<T>(net: Net<T>, name: string, x: T, { squeeze, activation, gate }: Excitation): T {
  const layer = (part: string, map: T, out: number) =>
    net.conv(`${name}.${part}`, map, { out, kernel: 1, initialWeight: heNormal(1, out), initialBias: zero });
  const squeezed = activated(net, layer('fc1', net.meanMap(x), squeeze), activation);
  return net.multiply(x, net.activate(layer('fc2', squeezed, net.shape(x)[2]), gate));
}

/** Rounds channels to a multiple of 8 that is at least nine tenths of them. */
export function multipleOf8(channels: number): number {
  const rounded = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}
