import type { DepthwiseOptions, Initializer, Net } from '@distillery/engine';

/**
 * First weights of a convolution before a ReLU: normal with the variance 2 / (kernel² · out), so that gradients keep
 * their size on the way back (He et al., 2015, arXiv:1502.01852); PyTorch's `kaiming_normal_` with `fan_out`.
 */
export function heNormal(kernel: number, out: number): Initializer {
  return { type: 'normal', deviation: Math.sqrt(2 / (kernel * kernel * out)) };
}

export const zero: Initializer = { type: 'constant', value: 0 };

/** A convolution before a BatchNorm, hence without bias; of an odd kernel, padded to keep the map's size at stride 1. */
export function convolution<T>(
  net: Net<T>,
  name: string,
  x: T,
  { out, kernel, stride = 1 }: { out: number; kernel: number; stride?: number },
): T {
  const initialWeight = heNormal(kernel, out);
  return net.conv(name, x, { out, kernel, stride, padding: (kernel - 1) / 2, bias: false, initialWeight });
}

/** The depthwise convolution of the mobile networks, 3×3. */
export function depthwise<T>(
  net: Net<T>,
  name: string,
  x: T,
  options: Pick<DepthwiseOptions, 'stride' | 'initialWeight'>,
): T {
  return net.depthwise(name, x, { kernel: 3, padding: 1, ...options });
}
