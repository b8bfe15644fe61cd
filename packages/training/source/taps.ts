import {
  type Forward,
  inputGradient,
  type NetworkPlan,
  run,
  type RunOptions,
  type RunResult,
  sizeOf,
  trace,
  withoutSlope,
} from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import type { Network } from './network.ts';

/**
 * Beside the taps that an architecture names, a classifier has the gradient of each image's cross-entropy by its
 * pixels, where the network's operations allow for it. It is a vector, so that a teacher's is stored as float32: most
 * of it is too small for float16.
 */
const gradientTap = 'input_gradient';

/** A network's plan with the taps that are taken of the network as a whole. */
export function tracedWithTaps(forward: Forward, inputShape: number[]): NetworkPlan {
  const plan = trace(forward, inputShape);
  const has = 'logits' in plan.taps && withoutSlope(forward, plan.inputShape) === undefined;
  return has ? { ...plan, taps: { ...plan.taps, [gradientTap]: [sizeOf(plan.inputShape)] } } : plan;
}

/** The plan of a network that cannot be looked at as a whole. */
export function withoutGradientTap(plan: NetworkPlan): NetworkPlan {
  const { [gradientTap]: _, ...taps } = plan.taps;
  return { ...plan, taps };
}

/**
 * A network's taps over a batch, those of the network as a whole included.
 *
 * @param images `[batch, …inputShape]`
 * @param labels `[batch]`, int32
 */
export function runTaps(
  { forward, variables }: Pick<Network, 'forward' | 'variables'>,
  { images, labels }: { images: tf.Tensor; labels: tf.Tensor1D },
  options: RunOptions & { taps: readonly string[] },
): RunResult {
  const result = run(forward, variables, images, options);
  if (options.taps.includes(gradientTap)) {
    const gradient = inputGradient(forward, variables, images, labels, options);
    result.taps[gradientTap] = tf.reshape(gradient, [gradient.shape[0], -1]);
  }
  return result;
}
