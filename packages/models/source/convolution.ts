import type { DepthwiseOptions, Initializer, Net } from '@distillery/engine';

/**
 * Returns the initial weights of a convolution before a ReLU: normal with the variance 2 / (kernel² · out), so that
 * gradients keep their size in the backward pass (He et al., 2015, arXiv:1502.01852). This is PyTorch's
 * `kaiming_normal_` with `fan_out`.
 */
export function heNormal(kernel: number, out: number): Initializer {
  return { type: 'normal', deviation: Math.sqrt(2 / (kernel * kernel * out)) };
}

export const zero: Initializer = { type: 'constant', value: 0 };

/**
 * A convolution without bias, for use before BatchNorm. The kernel must be odd; padding keeps the map's size at stride
 * 1.
 */
export function convolution<T>(
  net: Net<T>,
  name: string,
  x: T,
  { out, kernel, stride = 1 }: { out: number; kernel: number; stride?: number },
): T {
  const initialWeight = heNormal(kernel, out);
  return net.conv(name, x, { out, kernel, stride, padding: (kernel - 1) / 2, bias: false, initialWeight });
}

/** The 3×3 depthwise convolution of the mobile networks, padded to keep the map's size at stride 1. */
export function depthwise<T>(
  net: Net<T>,
  name: string,
  x: T,
  options: Pick<DepthwiseOptions, 'stride' | 'initialWeight'>,
): T {
  return net.depthwise(name, x, { kernel: 3, padding: 1, ...options });
}
