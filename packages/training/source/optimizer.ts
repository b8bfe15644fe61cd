import type { Optimizer as OptimizerSpec } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';

/**
 * PyTorch's update rules. All state is in named slots and in the step's number (the bias corrections are powers of
 * it), so a checkpoint that holds both resumes to the same bits.
 */
interface Rule {
  slots: readonly string[];
  /** New value of the parameter and of each slot, in the order of `slots`. */
  update(
    parameter: tf.Tensor,
    gradient: tf.Tensor,
    slots: tf.Tensor[],
    rate: number,
    step: number,
  ): tf.Tensor[];
}

export interface Optimizer {
  /** `<slot>/<variable>` → value. */
  slots: Record<string, tf.Variable>;
  /**
   * @param gradients by variable name
   * @param step counted from 1
   */
  apply(gradients: Record<string, tf.Tensor>, rate: number, step: number): void;
  dispose(): void;
}

export function createOptimizer(spec: OptimizerSpec, variables: Record<string, tf.Variable>): Optimizer {
  const rule = ruleOf(spec);
  const slots = Object.fromEntries(
    rule.slots.flatMap((slot) =>
      Object.entries(variables).map(([name, variable]) => {
        const zeros = tf.zeros(variable.shape);
        const entry = [`${slot}/${name}`, tf.variable(zeros, false)] as const;
        zeros.dispose();
        return entry;
      }),
    ),
  );
  return {
    slots,
    apply(gradients, rate, step) {
      for (const [name, variable] of Object.entries(variables)) {
        const targets = [variable, ...rule.slots.map((slot) => slots[`${slot}/${name}`])];
        const updated = tf.tidy(() => rule.update(variable, gradients[name], targets.slice(1), rate, step));
        targets.forEach((target, index) => {
          target.assign(updated[index]);
          updated[index].dispose();
        });
      }
    },
    dispose: () => tf.dispose(Object.values(slots)),
  };
}

function ruleOf(spec: OptimizerSpec): Rule {
  switch (spec.type) {
    case 'sgd':
      return sgd(spec);
    case 'adam':
      return adam(spec, (parameter, gradient) => [parameter, decay(gradient, parameter, spec.weightDecay)]);
    case 'adamw':
      return adam(spec, (parameter, gradient, rate) => [
        spec.weightDecay === 0 ? parameter : tf.mul(parameter, 1 - rate * spec.weightDecay),
        gradient,
      ]);
  }
}

function decay(gradient: tf.Tensor, parameter: tf.Tensor, weightDecay: number): tf.Tensor {
  return weightDecay === 0 ? gradient : tf.add(gradient, tf.mul(parameter, weightDecay));
}

/**
 * Adam (Kingma and Ba, 2015), AdamW (Loshchilov and Hutter, 2019); epsilon is added after the bias correction.
 * `regularize` is where the two differ.
 */
function adam(
  spec: Extract<OptimizerSpec, { type: 'adam' | 'adamw' }>,
  regularize: (parameter: tf.Tensor, gradient: tf.Tensor, rate: number) => [tf.Tensor, tf.Tensor],
): Rule {
  const { beta1, beta2, epsilon } = spec;
  return {
    slots: ['first_moment', 'second_moment'],
    update(parameter, gradient, [first, second], rate, step) {
      const [p, g] = regularize(parameter, gradient, rate);
      const m = tf.add(tf.mul(first, beta1), tf.mul(g, 1 - beta1));
      const v = tf.add(tf.mul(second, beta2), tf.mul(tf.square(g), 1 - beta2));
      // rate·(m/c1) / (√(v/c2) + ε), with both corrections drawn into the two factors that are numbers.
      const root = Math.sqrt(1 - beta2 ** step);
      const stepSize = (rate * root) / (1 - beta1 ** step);
      const change = tf.div(m, tf.add(tf.sqrt(v), epsilon * root));
      return [tf.sub(p, tf.mul(change, stepSize)), m, v];
    },
  };
}

/** Stochastic gradient descent with momentum as PyTorch has it: the first step's buffer is the gradient itself. */
function sgd({ momentum, nesterov, weightDecay }: Extract<OptimizerSpec, { type: 'sgd' }>): Rule {
  return {
    slots: momentum === 0 ? [] : ['momentum'],
    update(parameter, gradient, [buffer], rate) {
      const g = decay(gradient, parameter, weightDecay);
      if (momentum === 0) return [tf.sub(parameter, tf.mul(g, rate))];
      const moved = tf.add(tf.mul(buffer, momentum), g);
      const direction = nesterov ? tf.add(g, tf.mul(moved, momentum)) : moved;
      return [tf.sub(parameter, tf.mul(direction, rate)), moved];
    },
  };
}

/**
 * Scales gradients whose global L2 norm exceeds `limit` (Pascanu et al., 2013). The given tensors are disposed.
 */
export function clipGradients(
  gradients: Record<string, tf.Tensor>,
  limit: number,
): Record<string, tf.Tensor> {
  const clipped = tf.tidy(() => {
    const squares = Object.values(gradients).map((gradient) => tf.sum(tf.square(gradient)));
    const norm = tf.sqrt(tf.addN(squares));
    const factor = tf.minimum(1, tf.div(limit, tf.add(norm, 1e-6)));
    return Object.fromEntries(Object.entries(gradients).map(([name, g]) => [name, tf.mul(g, factor)]));
  });
  tf.dispose(gradients);
  return clipped;
}
