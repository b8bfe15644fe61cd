import * as tf from '@tensorflow/tfjs-core';
import { gradientsOf, unrecorded } from './gradients.ts';
import { probabilities, type Target } from './labels.ts';
import type { Forward } from './network.ts';
import { logSoftmax, softmaxCrossEntropy } from './ops/softmax-cross-entropy.ts';
import { run, type RunOptions, type Tensors } from './run.ts';
import { tangent } from './tangent.ts';

/**
 * Computes the gradient of cross-entropy with respect to a classifier's input. The result can be differentiated with
 * respect to the parameters.
 *
 * That second derivative, in a direction v, is the gradient of the loss's slope along v: ∂/∂θ ⟨v, ∂L/∂x⟩ = ∂/∂θ ∂L(x +
 * εv)/∂ε (Pearlmutter, 1994, "Fast exact multiplication by the Hessian"). It is exact and needs only the first
 * gradients of the operations that networks use.
 *
 * It is computed in float32, whatever the precision of the run. It adds a forward and a backward pass to a training
 * step, and about two more of each when it is differentiated.
 *
 * @param parameters the parameters by their names in the network's plan
 * @param x `[batch, …inputShape]`, a constant
 * @param labels class numbers `[batch]`, int32, or probabilities `[batch, classes]`
 * @returns the gradient of the loss summed over the batch, in the shape of x; apart from BatchNorm's batch statistics,
 *   the gradient of a sample does not depend on the other samples
 */
export function inputGradient(
  forward: Forward,
  parameters: Tensors,
  x: tf.Tensor,
  labels: Target,
  { training }: Pick<RunOptions, 'training'> = {},
): tf.Tensor {
  const names = Object.keys(parameters);
  const gradient = unrecorded(() => {
    const statistics: Tensors[] = [];
    const { value, gradients } = gradientsOf(
      () => {
        const pass = run(forward, parameters, x, { training, taps: [] });
        statistics.push(pass.statistics);
        return tf.sum<tf.Scalar>(softmaxCrossEntropy(pass.output as tf.Tensor2D, labels));
      },
      { x },
    );
    tf.dispose([value, ...statistics]);
    return gradients.x;
  });
  return tf.customGrad((...given) => {
    const save = given.pop() as tf.GradSaveFunc;
    save([x, labels]);
    return {
      value: tf.clone(gradient),
      gradFunc: (direction: tf.Tensor, [input, classes]: tf.Tensor[]) =>
        unrecorded(() => {
          const { value, gradients } = gradientsOf(
            () => {
              const dual = tangent(forward, parameters, { value: input, slope: direction }, { training });
              return lossSlope(dual.value, dual.slope, classes as Target);
            },
            parameters,
            { partial: true },
          );
          value.dispose();
          return names.map((name) => gradients[name] ?? tf.zerosLike(parameters[name]));
        }),
    };
  })(...names.map((name) => parameters[name]));
}

/** Computes the derivative of the sum of the cross-entropies as the logits move along `slope`. */
function lossSlope(logits: tf.Tensor, slope: tf.Tensor, labels: Target): tf.Scalar {
  const target = probabilities(labels, logits.shape[1] as number);
  return tf.sum(tf.mul(tf.sub(tf.exp(logSoftmax(logits)), target), slope));
}
