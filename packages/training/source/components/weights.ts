import { assignValues, finiteValues, type Network } from '../network.ts';
import { valuesOf } from '../tensor-tree.ts';
import type { Component } from './component.ts';

/** Saves the weights of the trained network. The caller owns the network and disposes it. */
export function weights({ variables }: Network, label: (parameter: string) => string): Component {
  return {
    name: 'weights',
    state: (step) => ({ tensors: finiteValues(variables, step, label) }),
    restore: ({ tensors }) => assignValues(variables, valuesOf(tensors)),
  };
}
