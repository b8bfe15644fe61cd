import { sha256 } from '@distillery/spec';

const IMAGE = /\.(jpe?g|png|webp|gif|tiff?|avif)$/i;

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

/** Whether a name is that of an image. Hidden files do not count: macOS adds a `._` file for each file of an archive. */
export function isImageName(name: string): boolean {
  return IMAGE.test(name) && !name.split('/').some((part) => part.startsWith('.'));
}

/**
 * Finds classes and splits in the names of the images: `train/<class>/…` with `test/<class>/…` (or `val/`), or plain
 * `<class>/…`. A single folder around all of them is ignored.
 *
 * @param testFraction the share of each class, at least one image, that is held out when there is no test folder
 * @throws RangeError when there are fewer than two classes, or the test folder has other classes than the training folder
 */
export function layoutOf(names: readonly string[], testFraction: number): Layout {
  const paths = unwrapped(
    [...new Set(names)].filter(isImageName).map((name) => ({ name, parts: name.split('/') })),
  );
  const hasTrain = paths.some(({ parts }) => parts[0] === 'train');
  const testFolder = ['test', 'val'].find((folder) => paths.some(({ parts }) => parts[0] === folder));
  // Without a train folder, a folder "test" or "val" is a class.
  const split = hasTrain && paths.every(({ parts }) => ['train', 'test', 'val'].includes(parts[0]));
  const train = group(split ? under(paths, 'train') : paths);
  const classes = [...train.keys()].sort();
  if (classes.length < 2) {
    const found = classes.length === 0 ? 'no class folder with images' : `only the class "${classes[0]}"`;
    throw new RangeError(`${found}; expected train/<class>/…, test/<class>/… or <class>/…`);
  }
  if (!split || testFolder === undefined) return holdOutTest(classes, train, testFraction);
  const test = group(under(paths, testFolder));
  const missing = classes.filter((name) => !test.has(name));
  const unknown = [...test.keys()].filter((name) => !train.has(name)).sort();
  if (missing.length + unknown.length > 0) {
    const describe = (list: string[], where: string) =>
      list.length === 0 ? [] : [`${list.join(', ')} ${where}`];
    const differences = [
      ...describe(missing, 'only in train/'),
      ...describe(unknown, `only in ${testFolder}/`),
    ];
    throw new RangeError(`train/ and ${testFolder}/ differ in their classes: ${differences.join('; ')}`);
  }
  return { classes, train: inOrder(classes, train), test: inOrder(classes, test) };
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

function under(paths: readonly Path[], folder: string): Path[] {
  return paths
    .filter(({ parts }) => parts[0] === folder)
    .map(({ name, parts }) => ({ name, parts: parts.slice(1) }));
}

function unwrapped(paths: Path[]): Path[] {
  const wrapper = paths[0]?.parts[0];
  const wraps = paths.length > 0 && paths.every(({ parts }) => parts[0] === wrapper && parts.length > 2);
  if (!wraps || wrapper === 'train') return paths;
  return under(paths, wrapper);
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
