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
  expect(layoutOf([...files].reverse(), 0.2)).toEqual({ classes: ['a', 'b'], train, test: tested });
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
    'train/ and test/ differ in their classes: b only in train/; c only in test/',
  );
});

test('knows images by their extension', () => {
  const yes = ['a.jpg', 'b/A.JPEG', 'a.png', 'a.webp', 'a.gif', 'a.tif', 'a.tiff', 'a.avif'];
  const no = ['a.bmp', 'a.txt', 'jpg', '.hidden.png', 'a/._1.png', '.git/a.png'];
  expect(yes.filter(isImageName)).toEqual(yes);
  expect(no.filter(isImageName)).toEqual([]);
});
