import { sha256 } from '@distillery/spec';
import { chosenClasses, type ClassChoice } from '../classes.ts';
import { type HeldOutChoice, isHeldOut, refuseFolds } from '../held-out.ts';
import { imageExtensions } from './image-format.ts';
import { lostClasses } from './lost-classes.ts';
import { isUnlabeledFolder, splitNamed } from './split-folders.ts';
import type { UnlabeledChoice } from './unlabeled.ts';
import { type Path, unwrapped } from './wrapper.ts';

const IMAGE = new RegExp(`\\.(${imageExtensions.join('|')})$`, 'i');

interface Sample {
  /** The file's path in the source. */
  name: string;
  /** An index into `classes`; −1 for an image without a class. */
  label: number;
}

export interface Layout {
  classes: string[];
  /** Sorted by class and then by name, so that the order of the source does not matter. */
  train: Sample[];
  /** Empty where the source gives none: jobs hold theirs out of the training samples. */
  validation: Sample[];
  test: Sample[];
  /** Images without a class, which students learn from beside those of the training split; absent where there are none. */
  unlabeled?: Sample[];
}

/** The images of the chosen classes. */
export function withLayoutClasses<L extends Layout>(layout: L, choice: ClassChoice): L {
  if (choice === undefined) return layout;
  const { classes, indices } = chosenClasses(layout.classes, choice);
  const some = (samples: readonly Sample[]) =>
    samples
      .flatMap(({ name, label }) => (indices[label] < 0 ? [] : [{ name, label: indices[label] }]))
      .sort((a, b) => a.label - b.label);
  const { train, validation, test } = layout;
  return { ...layout, classes, train: some(train), validation: some(validation), test: some(test) };
}

/** The counts of an outline. */
export function layoutCounts({ train, validation, test, unlabeled = [] }: Layout) {
  const given = {
    ...(validation.length > 0 && { validation: validation.length }),
    ...(unlabeled.length > 0 && { unlabeled: unlabeled.length }),
  };
  return {
    trainCount: train.length + validation.length + unlabeled.length,
    testCount: test.length,
    ...given,
  };
}

/** What a folder or an archive holds. */
export interface ImageListing {
  /** The images. */
  names: readonly string[];
  /** The first files that are no images. */
  others?: readonly string[];
  /** Files and links that were refused. */
  refused?: readonly { name: string; reason: string }[];
  /** The first folders. */
  folders?: readonly string[];
}

/** A layout as it was found, with what people should know about it. */
export interface FoundLayout extends Layout {
  /** What was chosen for them, as sentences. */
  notes: string[];
  /** Images that belong to no class. */
  ignored: { name: string; reason: string }[];
}

/** Whether a name is that of an image. Hidden files do not count: macOS adds a `._` file for each file of an archive. */
export function isImageName(name: string): boolean {
  return IMAGE.test(name) && !name.split('/').some((part) => part.startsWith('.'));
}

/**
 * Finds classes and splits in the names of the images: `train/<class>/…` with `test/<class>/…` and `validation/<class>/…`, or plain
 * `<class>/…`. Folders of splits may have their usual other names, in any case. Without a test folder the validation folder is
 * the test split. Folders around all of them are ignored, and so are images beside them. Names of classes are compared in
 * Unicode's normal form C.
 *
 * @param choice which images are held out when there is no folder for testing
 * @throws RangeError when there are fewer than two classes, the splits differ in their classes, a class has too few
 *   images, or a folder holds nothing that can be used
 */
export function layoutOf(listing: ImageListing, choice: HeldOutChoice & UnlabeledChoice): FoundLayout {
  const { prefix, paths, strays } = unwrapped(pathsOf(listing.names.filter(isImageName)));
  const isSplit = paths.some(({ parts }) => parts.length > 2 && splitNamed(parts[0]) === 'train');
  const beside = `lies beside the folders of the ${isSplit ? 'splits' : 'classes'}`;
  const ignored = strays.map(({ name }) => ({ name, reason: beside }));
  const parts = { train: [] as Path[], test: [] as Path[], validation: [] as Path[] };
  const unlabeled: Sample[] = [];
  for (const path of paths) {
    if (isSplit && path.parts.length > 1 && isUnlabeledFolder(path.parts[0])) {
      unlabeled.push({ name: path.name, label: -1 });
      continue;
    }
    const split = isSplit
      ? path.parts.length > 2 && splitNamed(path.parts[0])
      : path.parts.length > 1 && 'train';
    if (!split) ignored.push({ name: path.name, reason: beside });
    else parts[split].push(isSplit ? { name: path.name, parts: path.parts.slice(1) } : path);
  }
  const train = group(parts.train);
  const classes = [...train.keys()].sort();
  const unusable = {
    others: pathsOf(listing.others ?? []),
    folders: pathsOf(listing.folders ?? []),
    refused: (listing.refused ?? []).map(({ name, reason }) => ({
      ...pathOf(name),
      reason,
      isImage: isImageName(name),
    })),
  };
  const notes = lostClasses(unusable, classes, { prefix, isSplit });
  const isUsed = unlabeled.length > 0 && choice.unlabeled !== 'ignore';
  if (unlabeled.length > 0 && !isUsed)
    notes.push(`${unlabeled.length} images without a class are left out, as "unlabeled" asks.`);
  if (isUsed)
    notes.push(
      `Students learn from ${unlabeled.length} images without a class, too; teachers and controls are trained on the others.`,
    );
  const more = isUsed ? { unlabeled: unlabeled.sort(byName) } : {};
  if (classes.length < 2) throw new RangeError(`${tooFew(classes, parts.train, prefix)}${hintOf(listing)}`);
  const scored = parts.test.length > 0 ? 'test' : 'validation';
  const test = group(parts[scored]);
  if (test.size === 0) return { ...holdOutTest(classes, train, choice), ...more, notes, ignored };
  refuseFolds(choice);
  if (scored === 'validation')
    notes.push('There is no test folder: the validation folder is the test split.');
  const validation = group(scored === 'test' ? parts.validation : []);
  const missing = (of: Map<string, unknown>) => classes.filter((name) => !of.has(name));
  refuseDifferent(missing(test), train, test, scored);
  refuseDifferent([], train, validation, 'validation');
  if (validation.size > 0 && missing(validation).length > 0)
    notes.push(`The validation folder has no image of ${missing(validation).slice(0, 10).join(', ')}.`);
  const samples = (groups: Map<string, Path[]>) => inOrder(classes, groups);
  return {
    classes,
    train: samples(train),
    validation: samples(validation),
    test: samples(test),
    ...more,
    notes,
    ignored,
  };
}

/** @throws RangeError when a split has classes that the training folder does not have, or has not those that it needs */
function refuseDifferent(
  missing: readonly string[],
  train: Map<string, Path[]>,
  found: Map<string, Path[]>,
  split: 'test' | 'validation',
): void {
  const unknown = [...found.keys()].filter((name) => !train.has(name)).sort();
  if (missing.length + unknown.length === 0) return;
  const describe = (list: readonly string[], where: string) =>
    list.length === 0 ? [] : [`${list.join(', ')} ${where}`];
  const differences = [
    ...describe(missing, 'only in the training folder'),
    ...describe(unknown, `only in the ${split} folder`),
  ];
  throw new RangeError(
    `the training folder and the ${split} folder differ in their classes: ${differences.join('; ')}`,
  );
}

const expected = 'expected train/<class>/…, test/<class>/… or <class>/…';

function tooFew([only]: readonly string[], paths: readonly Path[], prefix: readonly string[]): string {
  if (only === undefined) return `no class folder with images; ${expected}`;
  const inner = new Set(paths.flatMap(({ parts }) => (parts.length > 2 ? [parts[1]] : [])));
  if (inner.size < 2) return `only the class "${only}"; ${expected}`;
  const folder = [...prefix, only].join('/');
  const named = [...inner].sort().slice(0, 5).join(', ');
  return `only the class "${only}"; ${expected}. Where the classes are the folders in it (${named}), give the folder "${folder}" as "path", or pack it alone`;
}

/** What may be the reason that there are no classes. */
function hintOf({ others = [], refused = [] }: ImageListing): string {
  const archive = others.find((name) => /\.(zip|tar|tgz|tar\.\w+)$/i.test(name));
  const [first] = refused;
  return [
    archive === undefined ? '' : `; it holds the archive ${archive}, which is not unpacked: unpack it first`,
    first === undefined
      ? ''
      : `; ${refused.length} files are refused, for example ${first.name}, which ${first.reason}`,
  ].join('');
}

const pathOf = (name: string): Path => ({ name, parts: name.normalize('NFC').split('/') });
const pathsOf = (names: readonly string[]) => [...new Set(names)].map(pathOf);

/** Class → paths, for paths of the form `<class>/…/<file>`. */
function group(paths: readonly Path[]): Map<string, Path[]> {
  const groups = new Map<string, Path[]>();
  for (const path of paths) {
    if (path.parts.length < 2) continue;
    const name = path.parts[0];
    const members = groups.get(name);
    if (members === undefined) groups.set(name, [path]);
    else members.push(path);
  }
  return groups;
}

/** Holds out test images by a hash of their names, so that the choice depends only on the names in the class. */
function holdOutTest(classes: string[], groups: Map<string, Path[]>, choice: HeldOutChoice): Layout {
  const train = new Map<string, Path[]>();
  const test = new Map<string, Path[]>();
  const { testSeed } = choice;
  const seeded = testSeed === undefined ? '' : `${testSeed}/`;
  let before = 0;
  for (const name of classes) {
    const paths = groups.get(name) as Path[];
    if (paths.length < 2)
      throw new RangeError(`the class "${name}" has one image: none is left for the test split`);
    const shuffled = paths
      .map((path) => ({ path, key: sha256(`${seeded}${path.parts.join('/')}`) }))
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .map(({ path }) => path);
    const held = shuffled.map((_, rank) => isHeldOut(rank, paths.length, before, choice));
    test.set(
      name,
      shuffled.filter((_, rank) => held[rank]),
    );
    train.set(
      name,
      shuffled.filter((_, rank) => !held[rank]),
    );
    before += paths.length;
  }
  return { classes, train: inOrder(classes, train), validation: [], test: inOrder(classes, test) };
}

function inOrder(classes: readonly string[], groups: Map<string, Path[]>): Sample[] {
  return classes.flatMap((className, label) =>
    (groups.get(className) ?? []).map(({ name }) => ({ name, label })).sort(byName),
  );
}

const byName = (a: Sample, b: Sample) => (a.name < b.name ? -1 : 1);
