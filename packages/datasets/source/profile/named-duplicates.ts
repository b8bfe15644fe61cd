import type { DatasetProfile } from '@distillery/spec';
import type { Dataset, SampleFiles } from '../dataset.ts';

type Duplicates = DatasetProfile['duplicates'];

/**
 * Adds the names of the files to the examples of duplicates, so that people know which to remove.
 *
 * @param names absent where samples are no files
 */
export function namedDuplicates(
  duplicates: Duplicates,
  names: SampleFiles['names'] | undefined,
  { train, test, skipped }: Pick<Dataset, 'train' | 'test' | 'skipped'>,
): Duplicates {
  if (names === undefined) return duplicates;
  const lost = new Set(skipped.first.map(({ name }) => name));
  const kept = {
    train: names.train.filter((name) => !lost.has(name)),
    test: names.test.filter((name) => !lost.has(name)),
  };
  // Only the first skipped files are known: beyond these, positions do not tell names.
  if (kept.train.length !== train.count || kept.test.length !== test.count) return duplicates;
  const named = (place: Duplicates['examples'][number]['first']) => ({
    ...place,
    name: kept[place.split][place.index],
  });
  const examples = duplicates.examples.map(({ first, second }) => ({
    first: named(first),
    second: named(second),
  }));
  return { ...duplicates, examples };
}
