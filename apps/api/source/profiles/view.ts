import type { KeptDataset, StoredDataset } from '@distillery/spec';
import type { Store } from '@distillery/store';
import { profileOf } from '@distillery/training';

/** Describes a data set as it is now. */
export async function datasetView(store: Store, dataset: KeptDataset): Promise<StoredDataset> {
  const found = await profileOf(store, dataset);
  if (found === undefined) return { ...dataset, state: 'profiling', error: null, summary: null };
  if (found.state === 'refused') return { ...dataset, state: 'refused', error: found.error, summary: null };
  const { inputs, shape, classes, splits, skipped, warnings } = found.profile;
  const total = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0);
  return {
    ...dataset,
    state: 'ready',
    error: null,
    summary: {
      inputs,
      shape,
      classes: classes.length,
      train: total(splits.train),
      ...(splits.validation && { validation: total(splits.validation) }),
      test: total(splits.test),
      ...(splits.unlabeled !== undefined && { unlabeled: splits.unlabeled }),
      skipped: skipped.count,
      warnings,
    },
  };
}
