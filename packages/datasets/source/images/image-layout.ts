import { sha256 } from '@distillery/spec';
import { imageExtensions } from './image-format.ts';

const IMAGE = new RegExp(`\\.(${imageExtensions.join('|')})$`, 'i');

/** Images of formats that are not read. A folder of other files, such as notes, is no class. */
const UNREAD = /\.(heic|heif|jp2|jxl|psd|svg|p[bgnp]m|tga|ico|pcx|exr|hdr|dng|cr2|nef|arw|npy|dcm)$/i;

interface Sample {
  /** The file's path in the source. */
  name: string;
  /** An index into `classes`. */
  label: number;
}

export interface Layout {
  classes: string[];
  /** Sorted by class and then by name, so that the order of the source does not matter. */
  train: Sample[];
  test: Sample[];
}

/** A layout as it was found, with what people should know about it. */
export interface FoundLayout extends Layout {
  /** What was chosen for them, as sentences. */
  notes: string[];
  /** Images that belong to no class. */
  ignored: { name: string; reason: string }[];
}

/** The names of the folders of each split, in any case. */
const splitFolders = {
  train: ['train', 'training'],
  test: ['test', 'testing'],
  validation: ['val', 'valid', 'validation', 'dev'],
} as const;
type SplitName = keyof typeof splitFolders;

/** The split that a folder holds; undefined for a folder of another kind. */
function splitOf(folder: string): SplitName | undefined {
  const name = folder.toLowerCase();
  return (Object.keys(splitFolders) as SplitName[]).find((split) =>
    (splitFolders[split] as readonly string[]).includes(name),
  );
}

/** Whether a name is that of an image. Hidden files do not count: macOS adds a `._` file for each file of an archive. */
export function isImageName(name: string): boolean {
  return IMAGE.test(name) && !name.split('/').some((part) => part.startsWith('.'));
}

/**
 * Finds classes and splits in the names of the images: `train/<class>/…` with `test/<class>/…`, or plain `<class>/…`. Folders of
 * splits may have their usual other names, in any case. Without a test folder the validation folder is the test split. A single
 * folder around all of them is ignored, and so are images beside the folders of the splits. Names of classes are compared in
 * Unicode's normal form C.
 *
 * @param testFraction the share of each class, at least one image, that is held out when there is no test folder
 * @param others the names of files that are no images: a class that holds nothing else is refused
 * @throws RangeError when there are fewer than two classes, or the test folder has other classes than the training folder
 */
export function layoutOf(
  names: readonly string[],
  testFraction: number,
  others: readonly string[] = [],
): FoundLayout {
  const pathsOf = (all: readonly string[]) =>
    [...new Set(all)].map((name) => ({ name, parts: name.normalize('NFC').split('/') }));
  const { paths, wrapper } = unwrapped(pathsOf(names.filter(isImageName)));
  const isSplit = paths.some(({ parts }) => parts.length > 2 && splitOf(parts[0]) === 'train');
  const notes: string[] = [];
  const ignored: FoundLayout['ignored'] = [];
  const parts = { train: paths, test: [] as Path[], validation: [] as Path[] };
  if (isSplit) {
    parts.train = [];
    for (const path of paths) {
      const split = path.parts.length > 2 ? splitOf(path.parts[0]) : undefined;
      if (split === undefined)
        ignored.push({ name: path.name, reason: 'lies beside the folders of the splits' });
      else parts[split].push({ name: path.name, parts: path.parts.slice(1) });
    }
  } else {
    for (const { name, parts: of } of paths) {
      if (of.length < 2) ignored.push({ name, reason: 'lies beside the folders of the classes' });
    }
  }
  const train = group(parts.train);
  const classes = [...train.keys()].sort();
  refuseEmpty(classes, pathsOf(others), wrapper, isSplit);
  if (classes.length < 2) {
    const found = classes.length === 0 ? 'no class folder with images' : `only the class "${classes[0]}"`;
    throw new RangeError(`${found}; expected train/<class>/…, test/<class>/… or <class>/…`);
  }
  const scored = parts.test.length > 0 ? 'test' : 'validation';
  const tested = parts[scored];
  if (tested.length === 0) return { ...holdOutTest(classes, train, testFraction), notes, ignored };
  if (scored === 'validation') {
    notes.push('There is no test folder: the validation folder is the test split.');
  } else if (parts.validation.length > 0) {
    notes.push(
      `The ${parts.validation.length} images of the validation folder are not used: the job holds its validation split out of the training images.`,
    );
  }
  const test = group(tested);
  const missing = classes.filter((name) => !test.has(name));
  const unknown = [...test.keys()].filter((name) => !train.has(name)).sort();
  if (missing.length + unknown.length > 0) {
    const describe = (list: string[], where: string) =>
      list.length === 0 ? [] : [`${list.join(', ')} ${where}`];
    const differences = [
      ...describe(missing, 'only in the training folder'),
      ...describe(unknown, `only in the ${scored} folder`),
    ];
    throw new RangeError(
      `the training folder and the ${scored} folder differ in their classes: ${differences.join('; ')}`,
    );
  }
  return { classes, train: inOrder(classes, train), test: inOrder(classes, test), notes, ignored };
}

/** @throws RangeError when a folder beside those of the classes holds images, but none that can be read */
function refuseEmpty(
  classes: readonly string[],
  others: readonly Path[],
  wrapper: string | undefined,
  isSplit: boolean,
): void {
  const depth = (wrapper === undefined ? 0 : 1) + (isSplit ? 1 : 0);
  for (const { name, parts } of others) {
    if (!UNREAD.test(name) || parts.some((part) => part.startsWith('.'))) continue;
    const inside = wrapper === undefined || parts[0] === wrapper;
    const split = isSplit ? splitOf(parts[depth - 1] ?? '') : 'train';
    if (!inside || split === undefined || parts.length < depth + 2 || classes.includes(parts[depth]))
      continue;
    throw new RangeError(
      `the folder "${parts[depth]}" holds no image that can be read, for example ${name}: convert its files, or move it elsewhere`,
    );
  }
}

interface Path {
  name: string;
  parts: string[];
}

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

/** Leaves out a single folder around all images, unless it is that of a split. */
function unwrapped(paths: Path[]): { paths: Path[]; wrapper?: string } {
  const wrapper = paths[0]?.parts[0];
  const wraps = paths.length > 0 && paths.every(({ parts }) => parts[0] === wrapper && parts.length > 2);
  if (!wraps || splitOf(wrapper) !== undefined) return { paths };
  return { paths: paths.map(({ name, parts }) => ({ name, parts: parts.slice(1) })), wrapper };
}

/** Holds out test images by a hash of their names, so that the choice depends only on the names in the class. */
function holdOutTest(classes: string[], groups: Map<string, Path[]>, fraction: number): Layout {
  const train = new Map<string, Path[]>();
  const test = new Map<string, Path[]>();
  for (const [name, paths] of groups) {
    if (paths.length < 2)
      throw new RangeError(`the class "${name}" has one image: none is left for the test split`);
    const shuffled = paths
      .map((path) => ({ path, key: sha256(path.parts.join('/')) }))
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .map(({ path }) => path);
    const count = Math.min(paths.length - 1, Math.max(1, Math.round(paths.length * fraction)));
    test.set(name, shuffled.slice(0, count));
    train.set(name, shuffled.slice(count));
  }
  return { classes, train: inOrder(classes, train), test: inOrder(classes, test) };
}

function inOrder(classes: readonly string[], groups: Map<string, Path[]>): Sample[] {
  return classes.flatMap((className, label) =>
    groups
      .get(className)!
      .map(({ name }) => ({ name, label }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  );
}
