import {
  type Forward,
  inputGradient,
  type NetworkPlan,
  run,
  type RunOptions,
  type RunResult,
  sizeOf,
  type Target,
  trace,
  withoutSlope,
} from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import type { Network } from './network.ts';

/**
 * The tap that a classifier has beside those of its architecture, if its operations allow it: the gradient of each image's
 * cross-entropy by its pixels. It is a vector, so that a teacher's is stored as float32: most values are too small for
 * float16.
 */
const gradientTap = 'input_gradient';

/** Traces a network, and adds the input gradient to the taps where it exists. */
export function tracedWithTaps(forward: Forward, inputShape: number[]): NetworkPlan {
  const plan = trace(forward, inputShape);
  const has = 'logits' in plan.taps && withoutSlope(forward, plan.inputShape) === undefined;
  return has ? { ...plan, taps: { ...plan.taps, [gradientTap]: [sizeOf(plan.inputShape)] } } : plan;
}

/** A plan without the input gradient. */
export function withoutGradientTap(plan: NetworkPlan): NetworkPlan {
  const { [gradientTap]: _, ...taps } = plan.taps;
  return { ...plan, taps };
}

/**
 * Runs a network over a batch and returns the requested taps, the input gradient included.
 *
 * @param images `[batch, …inputShape]`
 * @param labels class numbers `[batch]`, int32, or probabilities `[batch, classes]`
 */
export function runTaps(
  { forward, variables }: Pick<Network, 'forward' | 'variables'>,
  { images, labels }: { images: tf.Tensor; labels: Target },
  options: RunOptions & { taps: readonly string[] },
): RunResult {
  const result = run(forward, variables, images, options);
  if (options.taps.includes(gradientTap)) {
    const gradient = inputGradient(forward, variables, images, labels, options);
    result.taps[gradientTap] = tf.reshape(gradient, [gradient.shape[0], -1]);
  }
  return result;
}
