import { expect, test } from 'vitest';
import { isImageName, layoutOf } from './image-layout.ts';

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

test('val/ is used as test/, and ignored beside it', () => {
  const train = ['train/a/1.png', 'train/b/1.png'];
  const val = ['val/a/1.png', 'val/b/1.png'];
  expect(names(layoutOf([...train, ...val], 0.5).test)).toEqual(['0 val/a/1.png', '1 val/b/1.png']);
  const all = layoutOf([...train, ...val, 'test/a/9.png', 'test/b/9.png'], 0.5);
  expect(names(all.test)).toEqual(['0 test/a/9.png', '1 test/b/9.png']);
  expect(all.train).toHaveLength(2);
  expect(all.notes).toEqual([expect.stringContaining('The 2 images of the validation folder are not used')]);
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
  expect(() => layoutOf(files, 0.5, ['c/1.heic', 'c/2.heic'])).toThrow(
    'the folder "c" holds no image that can be read, for example c/1.heic',
  );
  const split = files.map((name) => `set/train/${name}`);
  expect(() => layoutOf(split, 0.5, ['set/train/c/1.heic'])).toThrow('the folder "c"');
  // Notes beside the images are fine, and so are hidden files.
  const notes = ['readme.txt', 'docs/notes.txt', 'a/notes.txt', '.git/config', 'c/.DS_Store'];
  expect(layoutOf(files, 0.5, notes).classes).toEqual(['a', 'b']);
  expect(layoutOf(split, 0.5, ['set/readme.txt', 'set/docs/a.txt', 'other/x/1.txt']).classes).toEqual([
    'a',
    'b',
  ]);
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
