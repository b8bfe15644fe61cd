import type { Optimizer as OptimizerSpec } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { flag, isNative } from './backends/native.ts';
import { applyTo, createResource, type Resource } from './ops/resource.ts';

/**
 * PyTorch's update rules. All state is in named slots and in the step's number (the bias corrections are powers of
 * it), so a checkpoint that holds both resumes to the same bits.
 */
interface Rule {
  slots: readonly string[];
  /** New value of the parameter and of each slot, in the order of `slots`, out of public operations. */
  update(
    parameter: tf.Tensor,
    gradient: tf.Tensor,
    slots: tf.Tensor[],
    rate: number,
    step: number,
  ): tf.Tensor[];
  /** The same as one operation of TensorFlow's, which changes the parameter and its slots in place. */
  inPlace: {
    /** What the operation takes besides, the same for every parameter of a step. */
    numbers(rate: number, step: number): number[];
    /** @param value of the parameter, before */
    apply(
      parameter: Resource,
      value: tf.Tensor,
      gradient: tf.Tensor,
      slots: Resource[],
      numbers: tf.Tensor[],
      rate: number,
    ): void;
  };
}

export interface Optimizer {
  /**
   * @param gradients by variable name
   * @param step counted from 1
   */
  apply(gradients: Record<string, tf.Tensor>, rate: number, step: number): void;
  /** The state, `<slot>/<variable>` → values. */
  read(): Record<string, Float32Array>;
  /** Takes a state that `read` gave. */
  restore(values: Record<string, Float32Array>): void;
  dispose(): void;
}

/** @param variables by name; they are changed by `apply`, and may be assigned in between */
export function createOptimizer(spec: OptimizerSpec, variables: Record<string, tf.Variable>): Optimizer {
  const rule = ruleOf(spec);
  return isNative() ? inPlace(rule, variables) : composed(rule, variables);
}

function composed(rule: Rule, variables: Record<string, tf.Variable>): Optimizer {
  const slots = mapSlots(rule, variables, (zeros) => tf.variable(zeros, false));
  return {
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
    read: () => mapValues(slots, (slot) => slot.dataSync().slice() as Float32Array),
    restore: (values) => assignSlots(slots, values),
    dispose: () => tf.dispose(Object.values(slots)),
  };
}

/** Parameters and slots as variables of TensorFlow's own; the TF.js variables are handed each new value. */
function inPlace(rule: Rule, variables: Record<string, tf.Variable>): Optimizer {
  const slots = mapSlots(rule, variables, (zeros) => ({ ...createResource(zeros), shape: zeros.shape }));
  const parameters = mapValues(variables, (variable) => ({
    ...createResource(variable),
    data: variable.dataId,
  }));
  return {
    apply(gradients, rate, step) {
      tf.tidy(() => {
        const numbers = rule.inPlace.numbers(rate, step).map((number) => tf.scalar(number));
        for (const [name, variable] of Object.entries(variables)) {
          const parameter = parameters[name];
          // Somebody assigned it since the last step: a run that resumes does.
          if (variable.dataId !== parameter.data) parameter.assign(variable);
          const own = rule.slots.map((slot) => slots[`${slot}/${name}`]);
          rule.inPlace.apply(parameter, variable, gradients[name], own, numbers, rate);
          variable.assign(parameter.read());
          parameter.data = variable.dataId;
        }
      });
    },
    read: () =>
      mapValues(slots, (slot) => {
        const value = slot.read();
        const data = value.dataSync().slice() as Float32Array;
        value.dispose();
        return data;
      }),
    restore: (values) => assignSlots(slots, values),
    dispose: () =>
      tf.dispose([...Object.values(slots), ...Object.values(parameters)].map(({ handle }) => handle)),
  };
}

/** `<slot>/<variable>` → what `create` makes of zeros in the variable's shape. */
function mapSlots<S>(
  rule: Rule,
  variables: Record<string, tf.Variable>,
  create: (zeros: tf.Tensor) => S,
): Record<string, S> {
  return Object.fromEntries(
    rule.slots.flatMap((slot) =>
      Object.entries(variables).map(([name, { shape }]) => {
        const zeros = tf.zeros(shape);
        const entry = [`${slot}/${name}`, create(zeros)] as const;
        zeros.dispose();
        return entry;
      }),
    ),
  );
}

function assignSlots(
  slots: Record<string, { shape: number[]; assign(value: tf.Tensor): void }>,
  values: Record<string, Float32Array>,
): void {
  for (const [name, slot] of Object.entries(slots)) {
    tf.tidy(() => slot.assign(tf.tensor(values[name], slot.shape)));
  }
}

function mapValues<A, B>(record: Record<string, A>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
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
    inPlace: {
      numbers(rate, step) {
        const root = Math.sqrt(1 - beta2 ** step);
        // Both corrections are drawn into rate and epsilon as above, in float64: powers of 0 say that none is left.
        return [0, 0, (rate * root) / (1 - beta1 ** step), beta1, beta2, epsilon * root];
      },
      apply(parameter, value, gradient, slots, numbers, rate) {
        const [p, g] = regularize(value, gradient, rate);
        if (p !== value) parameter.assign(p);
        applyTo('Adam', [parameter, ...slots], [...numbers, g], [flag('use_nesterov', false)]);
      },
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
    inPlace: {
      numbers: (rate) => [rate, momentum],
      apply(parameter, value, gradient, slots, [rate, friction]) {
        const g = decay(gradient, value, weightDecay);
        if (momentum === 0) applyTo('GradientDescent', [parameter], [rate, g]);
        else
          applyTo('Momentum', [parameter, ...slots], [rate, g, friction], [flag('use_nesterov', nesterov)]);
      },
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
