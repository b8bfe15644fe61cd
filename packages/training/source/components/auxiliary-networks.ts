import * as tf from '@tensorflow/tfjs-core';
import type { WeightedTerm } from '../method.ts';
import {
  assignValues,
  createNetwork,
  disposeNetwork,
  finiteValues,
  type Network,
  trainable,
  type Values,
} from '../network.ts';
import { branch, type TensorTree, valuesOf } from '../tensor-tree.ts';
import type { Component } from './component.ts';

/** The auxiliary networks of a method's terms: term → part → network. */
export type Auxiliaries = Record<string, Record<string, Network>>;

/** Weights of auxiliary networks that were trained beforehand: term → part → values. */
export type PretrainedValues = Record<string, Record<string, Values>>;

/**
 * Creates the auxiliary networks of a method: regressors, projectors, queues. A network that was trained beforehand is frozen.
 *
 * @param seed the seed of the first weights
 */
export function createAuxiliaries(
  method: readonly WeightedTerm[],
  seed: number,
  pretrained: PretrainedValues = {},
): Auxiliaries {
  return Object.fromEntries(
    method.map(({ name, bound }) => [
      name,
      Object.fromEntries(
        Object.entries(bound.auxiliary).map(([part, { forward, inputShape, pretraining }]) => {
          const first = pretrained[name]?.[part] ?? seed;
          return [part, createNetwork(forward, inputShape, first, pretraining !== undefined)];
        }),
      ),
    ]),
  );
}

/** Owns auxiliary networks. Their running statistics and queues are variables, so that checkpoints include them. */
export function auxiliaryNetworks(auxiliaries: Auxiliaries, label: (parameter: string) => string): Component {
  return {
    name: 'auxiliaries',
    state(step) {
      const tensors: TensorTree = {};
      for (const { path, network } of eachAuxiliary(auxiliaries)) {
        const ofPart = (parameter: string) => label(parameterName(path, parameter));
        Object.assign(branch(tensors, path), finiteValues(network.variables, step, ofPart));
      }
      return { tensors };
    },
    restore({ tensors = {} }) {
      for (const { path, network } of eachAuxiliary(auxiliaries)) {
        assignValues(network.variables, valuesOf(branch(tensors, path)));
      }
    },
    dispose() {
      for (const { network } of eachAuxiliary(auxiliaries)) disposeNetwork(network);
    },
  };
}

/** The trainable variables of auxiliary networks, under names that differ from those of the member's network. */
export function trainedAuxiliaries(auxiliaries: Auxiliaries): Record<string, tf.Variable> {
  return Object.fromEntries(
    eachAuxiliary(auxiliaries).flatMap(({ path, network }) =>
      Object.entries(trainable(network)).map(([name, variable]) => [parameterName(path, name), variable]),
    ),
  );
}

type Path = [term: string, part: string];

function parameterName([term, part]: Path, parameter: string): string {
  return `${term}.${part}/${parameter}`;
}

function eachAuxiliary(auxiliaries: Auxiliaries): { path: Path; network: Network }[] {
  return Object.entries(auxiliaries).flatMap(([term, parts]) =>
    Object.entries(parts).map(([part, network]) => ({ path: [term, part] as Path, network })),
  );
}
