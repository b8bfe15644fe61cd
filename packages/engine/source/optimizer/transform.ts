import * as tf from '@tensorflow/tfjs-core';
import type { Tensors } from '../run.ts';

/** The numbers of the current step, which change from step to step: read them within `feed`. */
export interface OptimizerStep {
  /** The learning rate. */
  readonly rate: number;
  /** Counted from 1; bias corrections are powers of it. */
  readonly step: number;
}

/** The pending changes of a step; every record is by variable name. */
export interface Update {
  /** The values that the step starts from: the variables, or the result of a transform. */
  values: Tensors;
  /** The gradients at first; at the end, the changes that are subtracted from the values, times `scale`. */
  changes: Tensors;
  /** A factor of all changes, which is multiplied in when they are applied. */
  scale: (step: OptimizerStep) => number;
}

/** A tensor that a transform keeps for a variable. Checkpoints include it. */
export interface Slot {
  shape: number[];
  /** A tensor that the caller disposes, or the surrounding tidy. */
  read(): tf.Tensor;
  assign(value: tf.Tensor): void;
  dispose(): void;
}

/** Slots by variable name. */
export type Slots = Record<string, Slot>;

/** A transform opened for some variables. */
interface Link {
  /** Runs in a tidy and reads nothing back from the device. */
  update(update: Update, step: OptimizerStep): Update;
  /** The slots by name; absent for a transform without state. */
  state?: Record<string, Slots>;
  /** Frees everything beside the slots. */
  dispose?(): void;
}

/** One small rule of an optimizer, as in optax: gradients go in, changed gradients come out. */
export type Transform = (variables: Record<string, tf.Variable>) => Link;

/** Runs transforms one after the other, and frees tensors as soon as a transform replaces them. */
export function chain(...transforms: readonly Transform[]): Transform {
  return (variables) => {
    const links = transforms.map((transform) => transform(variables));
    return {
      update: (update, step) =>
        links.reduce((before, link) => {
          const after = link.update(before, step);
          for (const [name, change] of Object.entries(before.changes)) {
            if (after.changes[name] !== change) change.dispose();
          }
          return after;
        }, update),
      state: Object.assign({}, ...links.map(({ state }) => state)) as Record<string, Slots>,
      dispose() {
        for (const link of links) link.dispose?.();
      },
    };
  };
}

/** A transform without state that maps each variable's change independently. */
export function eachChange(
  change: (gradient: tf.Tensor, value: tf.Tensor, step: OptimizerStep) => tf.Tensor,
): Transform {
  return () => ({
    update: (update, step) => ({
      ...update,
      changes: mapValues(update.changes, (gradient, name) =>
        tf.tidy(() => change(gradient, update.values[name], step)),
      ),
    }),
  });
}

/** Calls `create` with zeros in the shape of each variable. */
export function ofZeros<S>(
  variables: Record<string, tf.Variable>,
  create: (zeros: tf.Tensor) => S,
): Record<string, S> {
  return mapValues(variables, ({ shape }) => {
    const zeros = tf.zeros(shape);
    const made = create(zeros);
    zeros.dispose();
    return made;
  });
}

/** Creates a slot of zeros for each variable. */
export function zeroSlots(variables: Record<string, tf.Variable>): Slots {
  return ofZeros(variables, (zeros) => {
    const variable = tf.variable(zeros, false);
    return {
      shape: variable.shape,
      read: () => tf.clone(variable),
      assign: (value) => variable.assign(value),
      dispose: () => variable.dispose(),
    };
  });
}

export function mapValues<A, B>(
  record: Readonly<Record<string, A>>,
  map: (value: A, name: string) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value, name)]));
}
