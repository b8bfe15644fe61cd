import type { Dataset } from '@distillery/datasets';
import { predict } from '../evaluate.ts';
import { type Network, readValues, type Values } from '../network.ts';
import { accuracy, crossEntropyLoss } from '../scores.ts';
import { valuesOf } from '../tensor-tree.ts';
import type { Component } from './component.ts';

export interface BestEpoch extends Component {
  /** The best epoch, counted from 1, and its weights; undefined without a validation split. */
  best(): Best | undefined;
  /** The accuracy after the last completed epoch; null without a validation split. */
  lastAccuracy(): number | null;
}

interface Best {
  epoch: number;
  validationAccuracy: number;
  values: Values;
}

/**
 * Scores a network on the validation split after each epoch, and keeps the weights of its best one.
 *
 * @param validation indices into the training split; empty without a validation split
 * @param label returns the name of a metric among those of all members
 */
export function bestEpoch(
  network: Network,
  { dataset, validation }: { dataset: Dataset; validation: Int32Array },
  label: (metric: string) => string,
): BestEpoch {
  let best: Best | undefined;
  let last: number | null = null;
  return {
    name: 'best',
    best: () => best,
    lastAccuracy: () => last,

    async afterEpoch({ epoch, pause }): Promise<Record<string, number>> {
      if (validation.length === 0) return {};
      const [logits] = await predict(network, dataset, dataset.train, pause, validation);
      const labels = validation.map((index) => dataset.train.labels[index]);
      const scored = { logits, labels, classes: dataset.classes.length };
      const validationAccuracy = accuracy(scored);
      last = validationAccuracy;
      // Among equal epochs the first one is kept.
      if (validationAccuracy > (best?.validationAccuracy ?? -1)) {
        best = { epoch, validationAccuracy, values: readValues(network.variables) };
      }
      return {
        [label('validation_accuracy')]: validationAccuracy,
        [label('validation_loss')]: crossEntropyLoss(scored),
      };
    },

    state() {
      if (best === undefined) return { facts: { last, best: null } };
      const { values, ...found } = best;
      return { tensors: values, facts: { last, best: found } };
    },
    restore({ facts, tensors }) {
      const kept = facts as { last: number | null; best: Omit<Best, 'values'> | null };
      last = kept.last;
      best = kept.best === null ? undefined : { ...kept.best, values: valuesOf(tensors) };
    },
  };
}
