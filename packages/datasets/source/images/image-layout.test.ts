import { expect, test } from 'vitest';
import { type ImageListing, isImageName, layoutOf as layout } from './image-layout.ts';

const layoutOf = (listing: readonly string[] | ImageListing, testFraction: number) =>
  layout('names' in listing ? listing : { names: listing }, { testFraction });

const names = (samples: readonly { name: string; label: number }[]) =>
  samples.map((s) => `${s.label} ${s.name}`);

test('train/ and test/ with class folders, in any order of the files', () => {
  const files = ['test/b/1.png', 'train/b/2.png', 'train/a/10.jpg', 'train/b/deep/1.png', 'test/a/1.png'];
  for (const listed of [files, [...files].reverse()]) {
    const { classes, train, test: tested } = layoutOf(listed, 0.5);
    expect(classes).toEqual(['a', 'b']);
    expect(names(train)).toEqual(['0 train/a/10.jpg', '1 train/b/2.png', '1 train/b/deep/1.png']);
    expect(names(tested)).toEqual(['0 test/a/1.png', '1 test/b/1.png']);
  }
});

test('val/ is used as test/, and for validation beside it', () => {
  const train = ['train/a/1.png', 'train/b/1.png'];
  const val = ['val/a/1.png', 'val/b/1.png'];
  const tested = layoutOf([...train, ...val], 0.5);
  expect([names(tested.test), tested.validation]).toEqual([['0 val/a/1.png', '1 val/b/1.png'], []]);
  const all = layoutOf([...train, ...val, 'test/a/9.png', 'test/b/9.png'], 0.5);
  expect(names(all.test)).toEqual(['0 test/a/9.png', '1 test/b/9.png']);
  expect(names(all.validation)).toEqual(['0 val/a/1.png', '1 val/b/1.png']);
  expect([all.train.length, all.notes]).toEqual([2, []]);
  const some = layoutOf([...train, 'val/b/1.png', 'test/a/9.png', 'test/b/9.png'], 0.5);
  expect([names(some.validation), some.notes]).toEqual([
    ['1 val/b/1.png'],
    ['The validation folder has no image of a.'],
  ]);
  expect(() => layoutOf([...train, 'val/c/1.png', 'test/a/9.png', 'test/b/9.png'], 0.5)).toThrow(
    'the training folder and the validation folder differ in their classes: c only in the validation folder',
  );
});

test.each([
  ['Train', 'Test'],
  ['TRAINING', 'Validation'],
  ['train', 'valid'],
  ['train', 'dev'],
])('folders of splits have their usual names in any case: %s and %s', (train, other) => {
  const {
    classes,
    test: tested,
    notes,
  } = layoutOf([`${train}/a/1.png`, `${train}/b/1.png`, `${other}/a/2.png`, `${other}/b/2.png`], 0.5);
  expect(classes).toEqual(['a', 'b']);
  expect(tested).toHaveLength(2);
  expect(notes).toHaveLength(/^test/i.test(other) ? 0 : 1);
});

test('an image beside the folders is no class, and is named', () => {
  const files = [
    'train/a/1.png',
    'train/b/1.png',
    'test/a/1.png',
    'test/b/1.png',
    'cover.jpg',
    'train/odd.png',
  ];
  const { classes, train, ignored } = layoutOf(files, 0.5);
  expect([classes, train.length]).toEqual([['a', 'b'], 2]);
  expect(ignored.map(({ name }) => name)).toEqual(['cover.jpg', 'train/odd.png']);
  const plain = layoutOf(['a/1.png', 'a/2.png', 'b/1.png', 'b/2.png', 'cover.jpg'], 0.5);
  expect(plain.ignored).toEqual([{ name: 'cover.jpg', reason: 'lies beside the folders of the classes' }]);
});

test('a name in two forms of Unicode is one class', () => {
  const [composed, decomposed] = ['caf\u00e9', 'cafe\u0301'];
  const files = [`train/${composed}/1.png`, 'train/b/1.png', `test/${decomposed}/1.png`, 'test/b/1.png'];
  const { classes, test: tested } = layoutOf(files, 0.5);
  expect(classes).toEqual(['b', composed]);
  // The file keeps the name that the folder has.
  expect(tested[1].name).toBe(`test/${decomposed}/1.png`);
});

test('a class without an image that can be read is refused by name', () => {
  const files = ['a/1.png', 'a/2.png', 'b/1.png', 'b/2.png'];
  expect(() => layoutOf({ names: files, others: ['c/1.heic', 'c/2.heic'] }, 0.5)).toThrow(
    'the folder "c" holds no image that can be read, for example c/1.heic',
  );
  const split = files.map((name) => `set/train/${name}`);
  expect(() => layoutOf({ names: split, others: ['set/train/c/1.heic'] }, 0.5)).toThrow('the folder "c"');
  // Notes beside the images are fine, and so are hidden files.
  const notes = ['readme.txt', 'docs/notes.txt', 'a/notes.txt', '.git/config', 'c/.DS_Store'];
  expect(layoutOf({ names: files, others: notes }, 0.5).classes).toEqual(['a', 'b']);
  expect(
    layoutOf({ names: split, others: ['set/readme.txt', 'set/docs/a.txt', 'other/x/1.txt'] }, 0.5).classes,
  ).toEqual(['a', 'b']);
});

test('a single folder around everything is ignored', () => {
  const wrapped = layoutOf(
    ['set/train/a/1.png', 'set/train/b/1.png', 'set/test/a/1.png', 'set/test/b/1.png'],
    0.5,
  );
  expect(wrapped.classes).toEqual(['a', 'b']);
  expect(layoutOf(['set/a/1.png', 'set/a/2.png', 'set/b/1.png', 'set/b/2.png'], 0.5).classes).toEqual([
    'a',
    'b',
  ]);
});

test('folders around those of the splits are ignored at any depth, and files beside them', () => {
  const split = ['train/a/1.png', 'train/b/1.png', 'test/a/1.png', 'test/b/1.png'];
  const deep = layoutOf([...split.map((name) => `x/y/set/${name}`), 'cover.png', 'x/notes/1.png'], 0.5);
  expect([deep.classes, names(deep.test)]).toEqual([
    ['a', 'b'],
    ['0 x/y/set/test/a/1.png', '1 x/y/set/test/b/1.png'],
  ]);
  expect(deep.ignored.map(({ name }) => name)).toEqual(['cover.png', 'x/notes/1.png']);
  expect(
    layoutOf(['x/y/train/a/1.png', 'x/y/train/a/2.png', 'x/y/train/b/1.png', 'x/y/train/b/2.png'], 0.5)
      .classes,
  ).toEqual(['a', 'b']);
  const plain = layoutOf(['set/a/1.png', 'set/a/2.png', 'set/b/1.png', 'set/b/2.png', 'cover.png'], 0.5);
  expect([plain.classes, plain.ignored.map(({ name }) => name)]).toEqual([['a', 'b'], ['cover.png']]);
  const two = ['one', 'two'].flatMap((folder) => split.map((name) => `${folder}/${name}`));
  expect(() => layoutOf(two, 0.5)).toThrow('"one" and "two" each hold folders of splits: give one of them');
});

test('says why there are no classes', () => {
  const refused = [{ name: '/home/me/a/1.png', reason: 'has an absolute name' }];
  expect(() => layoutOf({ names: [], refused }, 0.5)).toThrow(
    /no class folder with images; .*; 1 files are refused, for example \/home\/me\/a\/1.png, which has an absolute name/,
  );
  expect(() => layoutOf({ names: [], others: ['train.zip'] }, 0.5)).toThrow(
    'it holds the archive train.zip, which is not unpacked: unpack it first',
  );
  expect(() => layoutOf(['x/set/a/1.png', 'x/set/b/1.png'], 0.5)).toThrow(
    'Where the classes are the folders in it (a, b), give the folder "x/set" as "path", or pack it alone',
  );
});

test('a folder in the place of a class that holds nothing usable is refused or named', () => {
  const files = ['train/a/1.png', 'train/a/2.png', 'train/b/1.png', 'train/b/2.png'];
  const reason = 'is a link to nothing, or to a place outside the allowed folders';
  const link = (name: string) => ({ names: files, refused: [{ name, reason }] });
  expect(() => layoutOf(link('train/c/1.png'), 0.5)).toThrow(
    `the folder "c" holds no image that is used; train/c/1.png ${reason}: put images into it, or remove it`,
  );
  expect(layoutOf(link('train/c'), 0.5).notes).toEqual([`train/c ${reason}: "c" is no class`]);
  expect(layoutOf(link('train/a/3.png'), 0.5).notes).toEqual([]);
  const folders = ['train', 'train/a', 'train/c', 'train/c/d', 'train/.git', 'train/notes', 'test'];
  const others = ['train/notes/a.txt'];
  expect(layoutOf({ names: files, folders, others }, 0.5).notes).toEqual([
    'the folder train/c is empty: "c" is no class',
  ]);
  expect(() => layoutOf({ names: files, others: ['train/c/images.zip'] }, 0.5)).toThrow(
    'the folder "c" holds no image that can be read, for example train/c/images.zip',
  );
});

test('without a test folder a share of each class is held out, chosen by name', () => {
  const files = ['a', 'b'].flatMap((name) => Array.from({ length: 20 }, (_, i) => `${name}/${i}.png`));
  const { train, test: tested } = layoutOf(files, 0.2);
  expect([train.length, tested.length]).toEqual([32, 8]);
  expect(tested.filter(({ label }) => label === 0)).toHaveLength(4);
  expect(layoutOf([...files].reverse(), 0.2)).toMatchObject({ classes: ['a', 'b'], train, test: tested });
  const underTrain = layoutOf(
    files.map((name) => `train/${name}`),
    0.2,
  );
  expect(names(underTrain.test)).toEqual(names(tested).map((line) => line.replace(' ', ' train/')));
  expect(layoutOf(['a/1.png', 'a/2.png', 'b/1.png', 'b/2.png'], 0.1).test).toHaveLength(2);
});

test('refuses files without at least two usable classes', () => {
  expect(() => layoutOf([], 0.1)).toThrow('no class folder with images');
  expect(() => layoutOf(['1.png', '2.png'], 0.1)).toThrow('no class folder with images');
  expect(() => layoutOf(['a/1.png', 'a/2.png'], 0.1)).toThrow('only the class "a"');
  expect(() => layoutOf(['a/1.png', 'b/1.png', 'b/2.png'], 0.1)).toThrow('"a" has one image');
  const train = ['train/a/1.png', 'train/b/1.png'];
  expect(() => layoutOf([...train, 'test/a/1.png', 'test/c/1.png'], 0.1)).toThrow(
    'the training folder and the test folder differ in their classes: b only in the training folder; c only in the test folder',
  );
});

test('knows images by their extension', () => {
  const yes = [
    'a.jpg',
    'b/A.JPEG',
    'a.png',
    'a.webp',
    'a.gif',
    'a.tif',
    'a.tiff',
    'a.avif',
    'a.BMP',
    'a.dib',
  ];
  const no = ['a.heic', 'a.txt', 'jpg', '.hidden.png', 'a/._1.png', '.git/a.png'];
  expect(yes.filter(isImageName)).toEqual(yes);
  expect(no.filter(isImageName)).toEqual([]);
});
