import type { DatasetProfile } from '@distillery/spec';

type Duplicates = DatasetProfile['duplicates'];
type Place = Duplicates['examples'][number]['first'];

/** The samples of a split by content: a 64-bit digest and the class of each. */
export interface Contents {
  digests: BigUint64Array;
  labels: Int32Array;
}

const mostExamples = 20;

/** Finds samples that are equal, within the splits, between them and between classes. */
export function duplicatesOf(train: Contents, test: Contents): Duplicates {
  const repeated = repeatedIn(train.digests, test.digests);
  const found: Duplicates = { train: 0, test: 0, leaks: 0, conflicts: 0, examples: [] };
  /** By digest: the first sample of each split, and the label of the first. */
  const firsts = new Map<bigint, { place: Place; label: number; inTest: boolean }>();
  for (const [split, { digests, labels }] of [
    ['train', train],
    ['test', test],
  ] as const) {
    digests.forEach((digest, index) => {
      if (!repeated.has(digest)) return;
      const place: Place = { split, index };
      const known = firsts.get(digest);
      if (known === undefined) {
        firsts.set(digest, { place, label: labels[index], inTest: split === 'test' });
        return;
      }
      const leaks = split === 'test' && known.place.split === 'train';
      // An image without a class contradicts none.
      const conflicts = known.label >= 0 && labels[index] >= 0 && known.label !== labels[index];
      if (split === 'train') found.train++;
      else if (known.inTest) found.test++;
      if (split === 'test') known.inTest = true;
      if (leaks) found.leaks++;
      if (conflicts) found.conflicts++;
      if ((leaks || conflicts) && found.examples.length < mostExamples)
        found.examples.push({ first: known.place, second: place });
    });
  }
  return found;
}

/** The digests that occur more than once. */
function repeatedIn(...parts: readonly BigUint64Array[]): Set<bigint> {
  const all = new BigUint64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  all.sort();
  const repeated = new Set<bigint>();
  for (let index = 1; index < all.length; index++)
    if (all[index] === all[index - 1]) repeated.add(all[index]);
  return repeated;
}
