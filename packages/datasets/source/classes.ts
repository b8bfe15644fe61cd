import { digestOf, DistilleryError, similarTo } from '@distillery/spec';
import { z } from 'zod';
import type { Dataset, Split } from './dataset.ts';
import type { Subset } from './readers/subset.ts';

const name = z.string().min(1).max(256);
const mostClasses = 10_000;

/** The option of sources whose classes have names. */
export const classOptions = {
  classes: z
    .union([
      z.array(name).min(2).max(mostClasses),
      z
        .record(name, z.array(name).min(1).max(mostClasses))
        .refine((groups) => Object.keys(groups).length > 1, 'must have two classes or more'),
    ])
    .refine((chosen) => {
      const names = classNamesOf(chosen);
      return new Set(names).size === names.length;
    }, 'must name each class once')
    .optional()
    .describe(
      'The classes that are used and their order, `["dog", "cat"]`, or groups of classes that become one, ' +
        '`{"animal": ["cat", "dog"], "car": ["car"]}`. Samples of other classes are left out. Default: all, in the order of their names, or of their numbers.',
    ),
};
type Classes = readonly string[] | Readonly<Record<string, readonly string[]>>;
/** A choice of classes; undefined: all. */
export type ClassChoice = Classes | undefined;

/** The names of the data that a choice uses. */
export function classNamesOf(chosen: Classes): string[] {
  return classGroups(chosen)
    .flatMap(([, members]) => [...members])
    .map((member) => member.normalize('NFC'));
}

/** The classes of a choice with their members, as a list, because a digest of an object does not depend on the order of its keys. */
function classGroups(chosen: Classes): [string, readonly string[]][] {
  return Array.isArray(chosen)
    ? chosen.map((member: string) => [member, [member]])
    : Object.entries(chosen as Record<string, readonly string[]>);
}

/** What a fingerprint holds of a choice. */
export function classKey(choice: ClassChoice): object {
  return choice === undefined ? {} : { classes: classGroups(choice) };
}

/**
 * Chooses among the classes of a data set.
 *
 * @param found the names of all classes
 * @returns the names of the chosen classes in their order, and for each found class its index among them, or -1
 * @throws DistilleryError `data_error` for a name that no class has
 */
export function chosenClasses(
  found: readonly string[],
  choice: ClassChoice,
): { classes: string[]; indices: Int32Array } {
  if (choice === undefined) return { classes: [...found], indices: Int32Array.from(found.keys()) };
  const indices = new Int32Array(found.length).fill(-1);
  const places = new Map(found.map((one, index) => [one, index]));
  const groups = classGroups(choice);
  for (const [index, [group, members]] of groups.entries()) {
    for (const [position, member] of members.entries()) {
      const place = places.get(member.normalize('NFC'));
      if (place === undefined)
        throw unknownClass(member, found, Array.isArray(choice) ? [index] : [group, position]);
      indices[place] = index;
    }
  }
  return { classes: groups.map(([group]) => group.normalize('NFC')), indices };
}

function unknownClass(member: string, found: readonly string[], place: (string | number)[]): DistilleryError {
  const similar = similarTo(member, found);
  const hint = similar === undefined ? '' : `; did you mean ${JSON.stringify(similar)}?`;
  const message = `is no class of the data${hint}`;
  return new DistilleryError('data_error', `${JSON.stringify(member)} ${message}`, {
    fields: [
      { path: `/dataset/classes/${place.join('/')}`, value: member, message, allowed: found.slice(0, 100) },
    ],
  });
}

/** The samples of the chosen classes. The digest derives from that of the whole data set. */
export function withClasses(dataset: Dataset, choice: ClassChoice): Dataset {
  if (choice === undefined) return dataset;
  const { classes, indices } = chosenClasses(dataset.classes, choice);
  const digest = digestOf({ of: dataset.digest, classes: classGroups(choice) });
  const train = someOf(dataset.train, indices, digest);
  return { ...dataset, classes, digest, train, test: someOf(dataset.test, indices, digest) };
}

function someOf({ reader: of, labels }: Split, indices: Int32Array, digest: string): Split {
  const kept = Int32Array.from(labels.keys()).filter((at) => indices[labels[at]] >= 0);
  const count = kept.length;
  const { shape, bytes } = of;
  const reader: Subset = {
    kind: 'subset',
    of,
    indices: kept,
    count,
    shape,
    bytes,
    digest: digestOf({ of: of.digest, in: digest }),
  };
  return { reader, labels: kept.map((at) => indices[labels[at]]), count };
}
