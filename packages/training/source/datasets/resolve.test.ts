import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storedPath } from '@distillery/datasets';
import { localFile, openStore, type Store } from '@distillery/store';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobSpec } from '../kinds.ts';
import { keepDataset } from './kept-datasets.ts';
import { makeProfile } from './profiles.ts';
import { resolveDatasets } from './resolve.ts';

let folder: string;
let store: Store;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-resolve-'));
  store = await openStore(join(folder, 'store'));
});
afterAll(() => rm(folder, { recursive: true }));

const files = () => ({ folder: join(folder, 'files') });

async function kept(owner: string, rows: (i: number) => string, { read = true } = {}) {
  const content = `x,label\n${Array.from({ length: 40 }, (_, i) => rows(i)).join('\n')}\n`;
  const file = { ...(await store.put(Buffer.from(content))), name: 'a.csv' };
  const path = await localFile(store, file, files());
  const dataset = await keepDataset(
    store,
    { source: 'table', options: { testFraction: 0.2 } },
    { ...file, path, owner },
  );
  const context = {
    cacheDir: join(folder, 'data'),
    roots: [],
    stored: (wanted: { digest: string; name: string }) => localFile(store, wanted, files()),
  };
  if (read) await makeProfile(store, dataset, context);
  return dataset;
}

const good = (i: number) => `${i},${i % 2 ? 'odd' : 'even'}`;
const architecture = { type: 'mlp', hidden: [4] };
const specOf = (dataset: object, more: object = {}) =>
  jobSpec.parse({
    dataset,
    teacher: { architecture },
    students: [{ name: 'a', architecture, method: [{ type: 'soft_target' }] }],
    ...more,
  });
const resolved = (dataset: object, owner: string | undefined, more?: object) =>
  resolveDatasets(specOf(dataset, more), store, owner);

test('content takes the place of each id, of the job and of its teachers', async () => {
  const { id, file } = await kept('ana', good);
  const expected = { source: 'table', path: storedPath(file), testFraction: 0.2, label: 'label' };
  const uploaded = { source: 'uploaded', id };
  const spec = await resolved({ ...uploaded, trainLimit: 9 }, 'ana', {
    teacher: { architecture, dataset: uploaded },
    teachers: [{ name: 'other', architecture, dataset: { ...uploaded, testLimit: 3 } }],
  });
  expect(spec.dataset).toMatchObject({ ...expected, trainLimit: 9 });
  expect((spec.teacher as { dataset?: object }).dataset).toMatchObject(expected);
  expect((spec.teachers[0] as { dataset?: object }).dataset).toMatchObject({ ...expected, testLimit: 3 });
  // What was resolved may be posted again by its owner.
  expect((await resolved(spec.dataset, 'ana')).dataset).toEqual(spec.dataset);
  expect((await resolved(spec.dataset, undefined)).dataset).toEqual(spec.dataset);
});

test('what cannot be used is refused with its field', async () => {
  const { id, file } = await kept('bob', (i) => good(i + 1));
  const unread = await kept('bob', (i) => good(i + 2), { read: false });
  const broken = await kept('bob', (i) => `${good(i)},too,many`);
  const path = storedPath(file);
  const text = { source: 'text_csv', path: 'a.csv' };
  const cases: [object, string, object][] = [
    [
      { source: 'uploaded', id },
      'eve',
      { code: 'invalid_spec', fields: [{ path: '/dataset/id', value: id }] },
    ],
    [
      { source: 'uploaded', id: 'data_x' },
      'bob',
      { code: 'invalid_spec', fields: [{ path: '/dataset/id' }] },
    ],
    [{ source: 'uploaded', id: unread.id }, 'bob', { code: 'not_ready', fields: [{ path: '/dataset/id' }] }],
    [
      { source: 'uploaded', id: broken.id },
      'bob',
      { code: 'data_error', message: expect.stringMatching(/a\.csv.*line 2/) },
    ],
    [{ ...text, path }, 'eve', { code: 'invalid_spec', fields: [{ path: '/dataset/path', value: path }] }],
    [
      { ...text, tokenizer: { type: 'file', path } },
      'eve',
      { code: 'invalid_spec', fields: [{ path: '/dataset/tokenizer/path' }] },
    ],
  ];
  for (const [dataset, owner, error] of cases)
    await expect(resolved(dataset, owner), JSON.stringify(dataset)).rejects.toMatchObject(error);
  await expect(
    resolved({ source: 'shapes' }, 'eve', {
      teacher: { architecture, dataset: { source: 'uploaded', id } },
    }),
  ).rejects.toMatchObject({ code: 'invalid_spec', fields: [{ path: '/teacher/dataset/id' }] });
  // A file that is gone from the store can train nothing.
  await store.remove(file.digest);
  await expect(resolved({ source: 'uploaded', id }, 'bob')).rejects.toMatchObject({
    code: 'data_error',
    message: expect.stringContaining('upload the file again'),
  });
});
