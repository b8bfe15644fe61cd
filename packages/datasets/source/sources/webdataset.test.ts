import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Dataset } from '../dataset.ts';
import { recognise } from '../recognise.ts';
import { allInputs } from '../testing/all-inputs.ts';
import { contextIn, errorOf, png, tarOf, temporaryFolder, writeFiles } from '../testing/fixtures.ts';
import { webdataset } from './webdataset.ts';

const choose = (options: object = {}) => webdataset.options.parse({ path: 'set', ...options });
const reds = async (split: Dataset['train']) => [...(await allInputs(split))].filter((_, i) => i % 36 === 0);

/** Images from `first` on, the red of image i is i, of three classes in turn. */
async function shard(first: number, count: number, label: (at: number) => [string, string]) {
  const entries: [string, Buffer][] = [];
  for (let at = first; at < first + count; at++) {
    const [extension, content] = label(at);
    entries.push([`x/${at}.png`, await png(at, 0, 0)], [`x/${at}.${extension}`, Buffer.from(content)]);
  }
  return entries;
}
const numbers = (at: number): [string, string] => ['cls', `${[2, 10, 0][at % 3]}\n`];
const fields = (at: number): [string, string] => [
  'json',
  JSON.stringify({ name: 'abc'[at % 3], label: at % 3 }),
];

async function withShards(files: Record<string, [string, Buffer][]>) {
  const context = await contextIn(await temporaryFolder());
  const packed = await Promise.all(
    Object.entries(files).map(
      async ([name, entries]) => [name, await tarOf(entries, { gzip: name.endsWith('gz') })] as const,
    ),
  );
  await writeFiles(context.roots[0], Object.fromEntries(packed));
  return context;
}

test('several shards, splits by their names, and numbers in their order', async () => {
  const context = await withShards({
    'set/train-000000.tar': await shard(0, 6, numbers),
    'set/train-000001.tar.gz': await shard(6, 6, numbers),
    'set/val-000000.tar': await shard(12, 3, numbers),
    'set/test/0.tar': await shard(15, 3, numbers),
  });
  expect(await webdataset.outline(choose(), context)).toEqual({
    classes: ['0', '2', '10'],
    shape: [3, 4, 3],
    trainCount: 15,
    validation: 3,
    testCount: 3,
  });
  const set = await webdataset.load(choose(), context);
  expect([set.classes, set.validation, set.skipped.count]).toEqual([['0', '2', '10'], 3, 0]);
  expect(await reds(set.train)).toEqual(Array.from({ length: 15 }, (_, at) => at));
  expect([...set.train.labels.subarray(0, 3)]).toEqual([1, 2, 0]);
  expect(await reds(set.test)).toEqual([15, 16, 17]);
  const range = await webdataset.load(
    choose({ path: 'set/train-{000000..000000}.tar', testFraction: 0.5 }),
    context,
  );
  expect(range.train.count + range.test.count).toBe(6);
});

test('labels in JSON files, names of numbers, and chosen classes', async () => {
  const context = await withShards({ 'set.tar': await shard(0, 12, fields) });
  const load = (options: object) =>
    webdataset.load(choose({ path: 'set.tar', testFraction: 0.5, ...options }), context);
  expect((await load({ label: 'name' })).classes).toEqual(['a', 'b', 'c']);
  expect((await load({ classNames: ['zebra', 'ant', 'bee'] })).classes).toEqual(['zebra', 'ant', 'bee']);
  const some = await load({ classNames: ['zebra', 'ant', 'bee'], classes: ['bee', 'zebra'] });
  expect([some.classes, some.train.count + some.test.count]).toEqual([['bee', 'zebra'], 8]);
});

test('samples without an image or a label are named, and too many of them are refused', async () => {
  const good = await shard(0, 9, numbers);
  const image = await png(1, 2, 3);
  const odd: [string, Buffer][] = [
    ['a.png', image],
    ['b.cls', Buffer.from('1')],
    ['c.png', image],
    ['c.json', Buffer.from('{')],
    ['d.png', image],
    ['d.json', Buffer.from('{"other": 1}')],
    ['e.txt', Buffer.from('a caption alone')],
    ['f.png', Buffer.from('broken')],
    ['f.cls', Buffer.from('0')],
  ];
  const context = await withShards({ 'set.tar': [...good, ...odd], 'bad.tar': odd });
  const { skipped } = await webdataset.load(
    choose({ path: 'set.tar', size: [3, 4], testFraction: 0.3 }),
    context,
  );
  expect(skipped.count).toBe(5);
  expect(skipped.first.map(({ name, reason }) => `${name} ${reason}`)).toEqual([
    'set.tar/a.png has no label: a .cls or .json file',
    'set.tar/b has no image',
    'set.tar/c.png its JSON cannot be read',
    'set.tar/d.png its JSON has no label in the field "label"',
    expect.stringContaining('set.tar/f.png Input buffer'),
  ]);
  expect(await errorOf(webdataset.outline(choose({ path: 'bad.tar' }), context))).toMatchObject({
    code: 'data_error',
    message: expect.stringContaining(
      '4 of 5 samples cannot be used, more than half: bad.tar/a.png (has no label',
    ),
  });
});

test('an uploaded shard is recognised', async () => {
  const { roots } = await withShards({
    'a.tar': await shard(0, 3, numbers),
    'b.tar': await shard(0, 3, fields),
  });
  for (const name of ['a.tar', 'b.tar'])
    expect(await recognise(join(roots[0], name))).toEqual({ source: 'webdataset', options: {} });
});
