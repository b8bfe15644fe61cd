import * as tf from '@tensorflow/tfjs-core';
import { gradientsOf, unrecorded } from './gradients.ts';
import type { Forward } from './network.ts';
import { logSoftmax, softmaxCrossEntropy } from './ops/softmax-cross-entropy.ts';
import { run, type RunOptions, type Tensors } from './run.ts';
import { tangent } from './tangent.ts';

/**
 * The gradient of cross-entropy by a classifier's input, which itself has a gradient by the parameters.
 *
 * That second gradient, in a direction v, is the gradient of the loss's slope along v: ∂/∂θ ⟨v, ∂L/∂x⟩ =
 * ∂/∂θ ∂L(x + εv)/∂ε (Pearlmutter, 1994, "Fast exact multiplication by the Hessian"). It is exact, and takes nothing but
 * first gradients of the operations that networks run with.
 *
 * In float32 whatever a run's precision. Beside a training step it costs a forward and a backward pass, and about two
 * more of each on the way back.
 *
 * @param parameters by the names of the network's plan
 * @param x `[batch, …inputShape]`, a constant
 * @param labels `[batch]`, int32
 * @returns the gradient of the sum over the batch, so that BatchNorm's batch statistics aside a sample's is its own;
 *   of x's shape
 */
export function inputGradient(
  forward: Forward,
  parameters: Tensors,
  x: tf.Tensor,
  labels: tf.Tensor1D,
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
              return lossSlope(dual.value, dual.slope, classes as tf.Tensor1D);
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

/** How the sum of the cross-entropies changes as the logits move along `slope`. */
function lossSlope(logits: tf.Tensor, slope: tf.Tensor, labels: tf.Tensor1D): tf.Scalar {
  const target = tf.cast(tf.oneHot(labels, logits.shape[1] as number), 'float32');
  return tf.sum(tf.mul(tf.sub(tf.exp(logSoftmax(logits)), target), slope));
}
