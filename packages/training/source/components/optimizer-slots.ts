import type { Optimizer } from '@distillery/engine';
import { valuesOf } from '../tensor-tree.ts';
import type { Component } from './component.ts';

/** Owns an optimizer and saves its slots (moments and momentum) as `<slot>/<variable>`. */
export function optimizerSlots(optimizer: Optimizer): Component {
  return {
    name: 'slots',
    state: () => ({ tensors: optimizer.read() }),
    restore: ({ tensors }) => optimizer.restore(valuesOf(tensors)),
    dispose: () => optimizer.dispose(),
  };
}
