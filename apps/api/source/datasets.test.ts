import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type DatasetProfile, sha256, type StoredDataset } from '@distillery/spec';
import { zipFile } from '@distillery/datasets/testing';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { collectLeftovers } from './artifacts/collect.ts';
import { sweepStore } from './artifacts/sweep.ts';
import { privateApi, problem, spec } from './testing/api.ts';

const held = privateApi({ apiKeys: 'required', collection: { everyMs: 3_600_000 } });

async function caller(name: string, scope: 'read' | 'submit' | 'admin' = 'submit') {
  const { token } = await held.queue.apiKeys.create({ name, scope, jobs: null, rate: 1e6 });
  const authorization = `Bearer ${token}`;
  const send = (path: string, method = 'GET', body?: Buffer) =>
    held.request(path, { method, headers: { authorization }, ...(body && { body }) });
  const post = (path: string, body: unknown) => held.post(path, body, { authorization });
  const upload = async (file: string, content: Buffer) => {
    const response = await send(`/v1/uploads/${encodeURIComponent(file)}`, 'PUT', content);
    return ((await response.json()) as { id: string }).id;
  };
  const create = async (file: string, content: Buffer, more: object = {}) => {
    const response = await post('/v1/datasets', { upload: await upload(file, content), ...more });
    expect(response.status, await response.clone().text()).toBe(201);
    const made = (await response.json()) as StoredDataset;
    expect(response.headers.get('location')).toBe(`/v1/datasets/${made.id}`);
    return made;
  };
  const view = async (id: string) => (await (await send(`/v1/datasets/${id}`)).json()) as StoredDataset;
  const settled = async (id: string) => {
    await expect.poll(async () => (await view(id)).state, { timeout: 60_000 }).not.toBe('profiling');
    return await view(id);
  };
  return { send, post, upload, create, view, settled };
}

const picture = (red: number, green: number) =>
  sharp({
    create: {
      width: 32,
      height: 32,
      channels: 3,
      background: { r: red, g: green, b: (7 * red + green) % 256 },
    },
  })
    .png()
    .toBuffer();
async function pictures(): Promise<Buffer> {
  const entries: Record<string, Buffer> = {};
  for (let i = 0; i < 20; i++) {
    entries[`warm/${i}.png`] = await picture(200 + i, i);
    entries[`cold/${i}.png`] = await picture(i, 200 + i);
  }
  return zipFile(entries);
}
const texts = Array.from({ length: 40 }, (_, i) => `words of text ${i},${i % 2 ? 'odd' : 'even'}\n`).join('');

test('an archive of images becomes a data set, which jobs name by id', { timeout: 120_000 }, async () => {
  const { create, settled, send, post } = await caller('ana');
  const content = await pictures();
  const made = await create('pets.zip', content, { name: 'pets', options: { testFraction: 0.2 } });
  expect(made).toMatchObject({
    name: 'pets',
    owner: 'ana',
    file: { name: 'pets.zip', size: content.length, digest: sha256(content) },
    source: 'image_folder',
    options: { fit: 'squash', background: '#ffffff', channels: 3, testFraction: 0.2 },
    error: null,
  });
  const ready = await settled(made.id);
  expect(ready).toMatchObject({
    state: 'ready',
    summary: {
      inputs: 'image',
      shape: [32, 32, 3],
      classes: 2,
      train: 32,
      test: 8,
      skipped: 0,
      warnings: [],
    },
  });
  const profile = (await (await send(`/v1/datasets/${made.id}/profile`)).json()) as DatasetProfile;
  expect(profile).toMatchObject({ classes: ['cold', 'warm'], splits: { train: [16, 16], test: [4, 4] } });
  // The same again is the same.
  expect(await create('pets.zip', content, { name: 'pets', options: { testFraction: 0.2 } })).toMatchObject({
    id: made.id,
    state: 'ready',
  });
  const job = { ...spec, dataset: { source: 'uploaded', id: made.id, trainLimit: 20 } };
  const plan = await post('/v1/jobs/validate', job);
  expect(plan.status, await plan.clone().text()).toBe(200);
  expect(await plan.json()).toMatchObject({
    dataset: { source: 'image_folder', classes: ['cold', 'warm'], train: 18, validation: 2, test: 8 },
  });
  const submitted = (await (await post('/v1/jobs', job)).json()) as { id: string };
  expect(await (await send(`/v1/jobs/${submitted.id}/spec`)).json()).toEqual(job);
  const kept = (await held.queue.jobs.spec(submitted.id)).spec as { dataset: object };
  expect(kept.dataset).toEqual({
    source: 'image_folder',
    path: `stored:${sha256(content)}/pets.zip`,
    fit: 'squash',
    background: '#ffffff',
    channels: 3,
    testFraction: 0.2,
    trainLimit: 20,
  });

  // Deleted and made again, it is read again.
  expect((await send(`/v1/datasets/${made.id}`, 'DELETE')).status).toBe(204);
  const anew = await create('pets.zip', content, { name: 'pets', options: { testFraction: 0.2 } });
  expect(await settled(anew.id)).toMatchObject({ id: made.id, state: 'ready' });

  // The file stays while a job names it.
  expect((await send(`/v1/datasets/${made.id}`, 'DELETE')).status).toBe(204);
  expect((await problem(await send(`/v1/datasets/${made.id}`))).code).toBe('dataset_not_found');
  for (const { id } of ((await (await send('/v1/uploads')).json()) as { uploads: { id: string }[] }).uploads)
    await send(`/v1/uploads/${id}`, 'DELETE');
  const there = async () => (await held.store.stat(sha256(content))) !== undefined;
  await delay(20);
  await collectLeftovers(held.queue, held.store, { marginMs: 0 });
  expect(await there()).toBe(true);
  await send(`/v1/jobs/${submitted.id}/cancel`, 'POST');
  expect((await send(`/v1/jobs/${submitted.id}`, 'DELETE')).status).toBe(204);
  await delay(20);
  await collectLeftovers(held.queue, held.store, { marginMs: 0 });
  expect(await there()).toBe(false);
});

test('a file that cannot be used is refused with its line, and so are jobs that name it', {
  timeout: 60_000,
}, async () => {
  const { create, settled, post, send } = await caller('bob');
  const broken = Buffer.from(`text,label\n${texts.replaceAll(/,(odd|even)/g, ',$1,more')}`);
  const made = await create('broken.csv', broken, { source: 'text_csv' });
  const refused = await settled(made.id);
  expect(refused).toMatchObject({
    state: 'refused',
    summary: null,
    error: { code: 'data_error', errors: [{ path: '/upload', value: 'broken.csv' }] },
  });
  expect(refused.error?.message).toMatch(/broken\.csv.*line 2/);
  const profile = await send(`/v1/datasets/${made.id}/profile`);
  expect([profile.status, await problem(profile)]).toMatchObject([422, { code: 'data_error' }]);
  const job = await post('/v1/jobs', { ...spec, dataset: { source: 'uploaded', id: made.id } });
  expect([job.status, await problem(job)]).toMatchObject([
    422,
    { code: 'data_error', errors: [{ path: '/dataset/id', value: made.id }] },
  ]);
  // A column that is not there names the option.
  const column = await create('texts.csv', Buffer.from(`text,label\n${texts}`), {
    source: 'text_csv',
    options: { text: 'body' },
  });
  expect((await settled(column.id)).error?.errors).toMatchObject([
    { path: '/options/text', value: 'body', allowed: ['text', 'label'] },
  ]);
});

test('what is no data set is refused at once', async () => {
  const { upload, post, send } = await caller('cleo');
  const file = await upload('texts.csv', Buffer.from(`text,label\n${texts}`));
  const refusal = async (body: object) => {
    const response = await post('/v1/datasets', body);
    const { code, errors } = (await problem(response)) as { code: string; errors?: { path: string }[] };
    return [response.status, code, errors?.[0].path];
  };
  expect(await refusal({ upload: 'upl_none' })).toEqual([404, 'upload_not_found', undefined]);
  expect(await refusal({})).toEqual([422, 'invalid_body', '/upload']);
  expect(await refusal({ upload: file, source: 'shapes' })).toEqual([422, 'invalid_body', '/source']);
  expect(await refusal({ upload: file, source: 'uploaded' })).toEqual([422, 'invalid_body', '/source']);
  expect(await refusal({ upload: file, options: { lenght: 3 } })).toEqual([
    422,
    'invalid_body',
    '/options/lenght',
  ]);
  expect(await refusal({ upload: file, options: { path: '/etc/passwd' } })).toEqual([
    422,
    'invalid_body',
    '/options/path',
  ]);
  expect(await refusal({ upload: file, options: { trainLimit: 3 } })).toEqual([
    422,
    'invalid_body',
    '/options/trainLimit',
  ]);
  const unknown = await upload('notes.bin', Buffer.from('hello'));
  expect(await refusal({ upload: unknown })).toEqual([422, 'data_error', '/source']);
  const begun = await held.request('/v1/uploads', {
    method: 'POST',
    headers: {
      authorization: `Bearer ${(await held.queue.apiKeys.create({ name: 'cleo', scope: 'submit', jobs: null, rate: null })).token}`,
      'upload-length': '9',
    },
  });
  const unfinished = begun.headers.get('location')?.split('/').at(-1);
  expect(await refusal({ upload: unfinished })).toEqual([409, 'state_conflict', undefined]);
  expect((await problem(await send('/v1/datasets/data_x'))).code).toBe('dataset_not_found');
});

test('owners see and use their own data sets', { timeout: 60_000 }, async () => {
  const [one, two, reader, admin] = [
    await caller('one'),
    await caller('two'),
    await caller('reader', 'read'),
    await caller('boss', 'admin'),
  ];
  const content = Buffer.from(`text,label\n${texts}one,odd\n`);
  const { id, file } = await one.create('texts.csv', content, { options: { length: 8 } });
  await one.settled(id);
  for (const answer of [
    await two.send(`/v1/datasets/${id}`),
    await two.send(`/v1/datasets/${id}`, 'DELETE'),
    await reader.send(`/v1/datasets/${id}/profile`),
  ]) {
    expect(answer.status).toBe(404);
  }
  expect((await reader.post('/v1/datasets', { upload: 'upl_none' })).status).toBe(403);
  const listed = async (who: typeof one) =>
    ((await (await who.send('/v1/datasets')).json()) as { datasets: StoredDataset[] }).datasets.map(
      (each) => each.id,
    );
  expect(await listed(one)).toEqual([id]);
  expect(await listed(two)).toEqual([]);
  expect(await listed(admin)).toContain(id);
  const named = { ...spec, dataset: { source: 'uploaded', id } };
  const byPath = {
    ...spec,
    dataset: { source: 'text_csv', path: `stored:${file.digest}/texts.csv`, length: 8 },
  };
  for (const [job, path] of [
    [named, '/dataset/id'],
    [byPath, '/dataset/path'],
  ] as const) {
    const refused = await two.post('/v1/jobs/validate', job);
    expect([refused.status, await problem(refused)]).toMatchObject([
      422,
      { code: 'invalid_spec', errors: [{ path }] },
    ]);
  }
  // The same file of another owner is the same blob, and has a profile already.
  const theirs = await two.create('texts.csv', content, { options: { length: 8 } });
  expect(theirs).toMatchObject({ state: 'ready', owner: 'two' });
  expect(theirs.id).not.toBe(id);
  await one.send(`/v1/datasets/${id}`, 'DELETE');
  expect(await two.view(theirs.id)).toMatchObject({ state: 'ready' });
  await delay(20);
  await sweepStore(held.queue, held.store, { before: new Date(8.64e15), remove: true, force: true });
  expect(await held.store.stat(String(file.digest))).toBeDefined();
});

test('a program that is stopped while it reads refuses the data set, and the service goes on', {
  timeout: 120_000,
}, async () => {
  const { create, settled, send } = await caller('dora');
  const row = (i: number) => `${'word '.repeat(20)}${i},${i % 2 ? 'odd' : 'even'}\n`;
  const large = Buffer.from(`text,label\n${Array.from({ length: 200_000 }, (_, i) => row(i)).join('')}`);
  const { id, state } = await create('large.csv', large);
  expect(state).toBe('profiling');
  expect((await problem(await send(`/v1/datasets/${id}/profile`))).code).toBe('not_ready');
  const running = async () => {
    const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid,args']);
    return stdout.split('\n').find((line) => line.includes(`"dataset":"${id}"`));
  };
  await expect.poll(running, { timeout: 20_000 }).toBeDefined();
  process.kill(Number((await running())?.trim().split(' ')[0]), 'SIGKILL');
  expect(await settled(id)).toMatchObject({ state: 'refused', error: { code: 'out_of_memory' } });
  const small = await create('small.csv', Buffer.from(`text,label\n${texts}`), { options: { length: 5 } });
  expect(await settled(small.id)).toMatchObject({ state: 'ready' });
});

test('samples that the files give for validation are counted', { timeout: 120_000 }, async () => {
  const { create, settled } = await caller('vic');
  const entries: Record<string, Buffer> = {};
  for (const [split, count] of Object.entries({ train: 6, valid: 2, test: 3 })) {
    for (let i = 0; i < count; i++) {
      entries[`${split}/warm/${i}.png`] = await picture(200 + i, count);
      entries[`${split}/cold/${i}.png`] = await picture(count, 200 + i);
    }
  }
  const { id } = await create('splits.zip', zipFile(entries));
  expect(await settled(id)).toMatchObject({ summary: { train: 12, validation: 4, test: 6 } });
});

test('two processes of the API share the reading, and each data set is read', {
  timeout: 120_000,
}, async () => {
  const other = await held.start();
  try {
    const { create, settled } = await caller('eve');
    const made = await Promise.all(
      [6, 7, 9, 10].map((length) =>
        create('many.csv', Buffer.from(`text,label\n${texts}`), { options: { length } }),
      ),
    );
    expect(new Set(made.map(({ id }) => id)).size).toBe(4);
    for (const { id } of made)
      expect(await settled(id)).toMatchObject({ state: 'ready', summary: { train: 36 } });
  } finally {
    await other.close();
  }
});
