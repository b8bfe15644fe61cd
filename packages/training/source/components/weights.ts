import { assignValues, finiteValues, type Network } from '../network.ts';
import { valuesOf } from '../tensor-tree.ts';
import type { Component } from './component.ts';

/** Keeps the weights of the network that is trained. The network is the caller's, so it is not disposed. */
export function weights({ variables }: Network, label: (parameter: string) => string): Component {
  return {
    name: 'weights',
    state: (step) => ({ tensors: finiteValues(variables, step, label) }),
    restore: ({ tensors }) => assignValues(variables, valuesOf(tensors)),
  };
}
