import { randomBytes } from 'node:crypto';

import type { ServerResponse } from 'node:http';
import { PassThrough, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { sha256, type StoredDataset } from '@distillery/spec';
import { afterEach, expect, test } from 'vitest';
import { collectLeftovers } from './artifacts/collect.ts';
import { startWebHost, type WebHost } from './fetches/testing/web-host.ts';
import { createLogger } from './logger.ts';
import { privateApi, problem, spec } from './testing/api.ts';

// Data sets from hosts that cut, lie, stall and lead astray. The loopback address 127.0.0.1 is allowed, 127.0.0.2 is not.

const fetching = { stallMs: 400, firstMs: 10, longestMs: 40, tries: 3, partMs: 100 };
const held = privateApi({
  apiKeys: 'required',
  fetchNetworks: ['127.0.0.1'],
  fetching,
  uploadBytes: 2 ** 22,
});
const hosts: WebHost[] = [];
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.close();
});

async function host(file: Buffer, options: Parameters<typeof startWebHost>[1] = {}): Promise<WebHost> {
  const made = await startWebHost(file, options);
  hosts.push(made);
  return made;
}

/** A table of some bytes that no other call gives. */
function table(bytes = 20_000): Buffer {
  const rows = ['a,label'];
  for (let size = 8; size < bytes; size += rows.at(-1)!.length + 1)
    rows.push(`${randomBytes(4).readUInt32LE() / 1000},${rows.length % 2 ? 'odd' : 'even'}`);
  return Buffer.from(`${rows.join('\n')}\n`);
}

async function caller(name: string, scope: 'submit' | 'admin' = 'submit') {
  const { token } = await held.queue.apiKeys.create({ name, scope, jobs: null, rate: 1e6 });
  const authorization = `Bearer ${token}`;
  const send = (path: string, method = 'GET') => held.request(path, { method, headers: { authorization } });
  const post = (path: string, body: unknown) => held.post(path, body, { authorization });
  const add = async (body: object) => {
    const response = await post('/v1/datasets', body);
    expect(response.status, await response.clone().text()).toBe(201);
    return (await response.json()) as StoredDataset;
  };
  const view = async (id: string) => (await (await send(`/v1/datasets/${id}`)).json()) as StoredDataset;
  const fetched = async (body: object) => {
    const { id } = await add(body);
    await expect.poll(async () => (await view(id)).state, { timeout: 30_000 }).not.toBe('fetching');
    return await view(id);
  };
  const read = async (body: object) => {
    const { id } = await fetched(body);
    await expect.poll(async () => (await view(id)).state, { timeout: 60_000 }).not.toBe('profiling');
    return await view(id);
  };
  return { send, post, add, view, fetched, read };
}

const manifests = async (id: string) => await held.store.list(`fetches/${id}`);

test('a file on the web becomes a data set, which is the same when it is asked for again', {
  timeout: 120_000,
}, async () => {
  const { add, fetched, read, send, post } = await caller('ana');
  const file = table();
  const web = await host(file);
  const url = `${web.url}/files/heights.csv?signature=secret1`;
  const begun = await add({ url, options: { testFraction: 0.2 } });
  expect(begun).toMatchObject({ name: 'heights.csv', owner: 'ana', url: `${web.url}/files/heights.csv?…` });
  const ready = await read({ url, options: { testFraction: 0.2 } });
  expect(ready).toMatchObject({
    id: begun.id,
    state: 'ready',
    error: null,
    source: 'table',
    file: { name: 'heights.csv', size: file.length, digest: sha256(file) },
    url: `${web.url}/files/heights.csv?…`,
  });
  expect(JSON.stringify(ready)).not.toContain('secret');
  expect(web.asked).toHaveLength(1);
  expect(await manifests(ready.id)).toEqual([]);
  const job = { ...spec, dataset: { source: 'uploaded', id: ready.id } };
  const job2 = { ...job, teacher: { architecture: { type: 'mlp' } } };
  const students = [{ name: 's', architecture: { type: 'mlp' }, method: [{ type: 'soft_target' }] }];
  expect((await post('/v1/jobs/validate', { ...job2, students })).status).toBe(200);
  expect((await send(`/v1/datasets/${ready.id}`, 'DELETE')).status).toBe(204);
  // Deleted, it is fetched anew.
  expect(await fetched({ url, options: { testFraction: 0.2 } })).toMatchObject({
    id: ready.id,
    error: null,
  });
  expect(web.asked).toHaveLength(2);
});

test('a host that cuts every connection gives the same bytes, and none twice', {
  timeout: 120_000,
}, async () => {
  const { fetched } = await caller('bob');
  const file = table(400_000);
  const web = await host(file, { cutAfter: 60_000 });
  const ready = await fetched({ url: `${web.url}/cut.csv`, sha256: sha256(file).toUpperCase() });
  expect(ready).toMatchObject({ error: null, file: { digest: sha256(file) } });
  const ranges = web.asked.map(({ range }) => range);
  expect(ranges).toEqual([
    undefined,
    ...Array.from({ length: ranges.length - 1 }, (_, i) => `bytes=${60_000 * (i + 1)}-`),
  ]);
  expect(new Set(web.asked.slice(1).map(({ ifRange }) => ifRange))).toEqual(new Set(['"1"']));
});

test('a file that changes between two requests, or a host without ranges, begins anew', {
  timeout: 120_000,
}, async () => {
  const { fetched } = await caller('cleo');
  const [first, second] = [table(100_000), table(90_000)];
  const web = await host(first);
  const cut = (_: unknown, response: ServerResponse) => {
    response.writeHead(200, { etag: '"1"', 'content-length': first.length });
    response.write(first.subarray(0, 50_000), () => setTimeout(() => response.destroy(), 20));
  };
  web.answers.push((request, response) => {
    cut(request, response);
    [web.file, web.etag] = [second, '"2"'];
  });
  expect((await fetched({ url: `${web.url}/changed.csv` })).file).toMatchObject({ digest: sha256(second) });
  expect(web.asked.map(({ range }) => range)).toEqual([undefined, 'bytes=50000-']);

  // A 206 of another version, too, and one of another place.
  for (const [etag, start] of [
    ['"3"', 50_000],
    ['"1"', 49_000],
  ] as const) {
    [web.file, web.etag] = [table(100_000), '"1"'];
    web.asked.length = 0;
    const now = web.file;
    web.answers.push(
      (_, response) => {
        response.writeHead(200, { etag: '"1"', 'content-length': now.length });
        response.write(now.subarray(0, 50_000), () => setTimeout(() => response.destroy(), 20));
      },
      (_, response) =>
        response
          .writeHead(206, { etag, 'content-range': `bytes ${start}-${now.length - 1}/${now.length}` })
          .end(now.subarray(start)),
    );
    const ready = await fetched({ url: `${web.url}/other-${start}.csv` });
    expect(ready.file).toMatchObject({ digest: sha256(now) });
    expect(web.asked.map(({ range }) => range)).toEqual([undefined, 'bytes=50000-', undefined]);
  }

  // Without a validator nothing tells that the rest belongs to the same file.
  web.file = table(100_000);
  web.etag = undefined;
  web.asked.length = 0;
  web.answers.push((_, response) => {
    response.writeHead(200, { 'content-length': web.file.length });
    response.write(web.file.subarray(0, 50_000), () => setTimeout(() => response.destroy(), 20));
  });
  expect((await fetched({ url: `${web.url}/untold.csv` })).file).toMatchObject({ digest: sha256(web.file) });
  expect(web.asked.map(({ range }) => range)).toEqual([undefined, undefined]);
});

test('a host of unknown length, a slow one and a busy one are waited for', { timeout: 120_000 }, async () => {
  const { fetched, add, view } = await caller('dora');
  const file = table(30_000);
  const web = await host(file);
  web.answers.push(
    (_, response) => response.writeHead(503, { 'retry-after': '1' }).end(),
    (_, response) => {
      response.writeHead(200, { 'content-disposition': `attachment; filename="rows.csv"` });
      const body = new PassThrough();
      body.pipe(response);
      void (async () => {
        for (let at = 0; at < file.length; at += 3000) {
          body.write(file.subarray(at, at + 3000));
          await delay(90);
        }
        body.end();
      })();
    },
  );
  const { id } = await add({ url: `${web.url}/download?id=7` });
  await expect.poll(async () => (await view(id)).received ?? -1, { timeout: 20_000 }).toBeGreaterThan(0);
  expect(await view(id)).toMatchObject({ state: 'fetching', file: { name: 'rows.csv', size: null } });
  expect(await fetched({ url: `${web.url}/download?id=7` })).toMatchObject({
    error: null,
    file: { name: 'rows.csv', digest: sha256(file) },
  });
  expect(web.asked).toHaveLength(2);
});

test('what cannot be fetched fails with the reason, and goes on when it is asked for again', {
  timeout: 120_000,
}, async () => {
  const { fetched, send, post } = await caller('eve');
  const file = table(60_000);
  const web = await host(file);
  const failed = async (path: string, ...answers: WebHost['answers']) => {
    web.answers.push(...answers);
    const dataset = await fetched({ url: web.url + path });
    web.answers.length = 0;
    expect(dataset).toMatchObject({ state: 'failed', summary: null, error: { errors: [{ path: '/url' }] } });
    return `${dataset.error?.code}: ${dataset.error?.message}`;
  };
  const answer =
    (status: number, headers: object = {}, body = '') =>
    (_: unknown, response: ServerResponse) =>
      void response.writeHead(status, { ...headers }).end(body);
  expect(await failed('/gone.csv', answer(404))).toMatch(
    /data_error: the host answered 404 .*check the address/,
  );
  expect(await failed('/closed.csv', answer(403))).toMatch(/a user and a password/);
  expect(await failed('/page', answer(200, { 'content-type': 'text/html' }, '<html>'))).toMatch(/a web page/);
  expect(await failed('/empty.csv', answer(200, { 'content-length': 0 }))).toMatch(/the file is empty/);
  expect(await failed('/large.csv', answer(200, { 'content-length': 2 ** 23 }))).toMatch(
    /upload_too_large.*UPLOAD_BYTES/,
  );
  expect(
    await failed('/endless.csv', (_, response) => {
      response.writeHead(200);
      const more = () => response.write(Buffer.alloc(2 ** 20), more);
      response.on('error', () => {});
      more();
    }),
  ).toMatch(/upload_too_large/);
  expect(await failed('/packed.csv', answer(200, { 'content-encoding': 'br' }, 'x'))).toMatch(
    /Content-Encoding br/,
  );
  // A host that announces more than it has.
  const short = (_: unknown, response: ServerResponse) => {
    response.writeHead(200, { etag: '"9"', 'content-length': file.length });
    response.write(file.subarray(0, 30_000), () => setTimeout(() => response.destroy(), 20));
  };
  const beyond = answer(416, { 'content-range': 'bytes */30000' });
  expect(await failed('/lie.csv', short, beyond, short, beyond, short, beyond)).toMatch(
    /data_unavailable: 3 attempts in a row/,
  );
  // One that is silent.
  const silent = () => {};
  expect(await failed('/silent.csv', silent, silent, silent)).toMatch(/fewer than 1024 bytes in 0\.4 s/);
  // The wrong file.
  const wrong = await fetched({ url: `${web.url}/wrong.csv`, sha256: '0'.repeat(64) });
  expect(wrong).toMatchObject({
    state: 'failed',
    error: { code: 'checksum_mismatch', errors: [{ path: '/sha256' }] },
  });
  // What no source reads.
  const odd = await host(Buffer.from('what is this?'));
  expect(await fetched({ url: `${odd.url}/notes.bin` })).toMatchObject({
    state: 'failed',
    error: { code: 'data_error', errors: [{ path: '/source' }] },
  });
  const job = await post('/v1/jobs/validate', { ...spec, dataset: { source: 'uploaded', id: wrong.id } });
  expect(await problem(job)).toMatchObject({ code: 'data_error', errors: [{ path: '/dataset/id' }] });
  expect((await problem(await send(`/v1/datasets/${wrong.id}/profile`))).code).toBe('data_error');

  // A host that is back: what had come is not fetched again.
  web.asked.length = 0;
  const cut = (_: unknown, response: ServerResponse) => {
    response.writeHead(200, { etag: web.etag, 'content-length': file.length });
    response.write(file.subarray(0, 30_000), () => setTimeout(() => response.destroy(), 20));
  };
  const busy = answer(502);
  expect(await failed('/later.csv', cut, busy, busy, busy)).toMatch(/the host answered 502/);
  expect(await fetched({ url: `${web.url}/later.csv` })).toMatchObject({
    error: null,
    file: { digest: sha256(file) },
  });
  expect(web.asked.at(-1)).toMatchObject({ range: 'bytes=30000-' });

  // A failure can be deleted; its bytes go with it.
  expect((await send(`/v1/datasets/${wrong.id}`, 'DELETE')).status).toBe(204);
  expect((await send(`/v1/datasets/${wrong.id}`)).status).toBe(404);
  expect(await manifests(wrong.id)).toEqual([]);
});

test('addresses that are not public are refused, also behind redirects', { timeout: 120_000 }, async () => {
  const { post, fetched } = await caller('finn');
  const inside = await host(table(), { address: '127.0.0.2' });
  const web = await host(table());
  const to = (location: string) => (_: unknown, response: ServerResponse) =>
    void response.writeHead(302, { location }).end();
  const refused = await post('/v1/datasets', {
    url: `http://ann:pa55word@${new URL(inside.url).host}/a.csv`,
  });
  const text = await refused.clone().text();
  expect([refused.status, await problem(refused)]).toMatchObject([
    422,
    { code: 'invalid_body', errors: [{ path: '/url', value: `${inside.url}/a.csv` }] },
  ]);
  expect(text).toContain('FETCH_NETWORKS');
  expect(text).not.toContain('pa55word');
  for (const url of ['ftp://example.com/a.csv', 'file:///etc/passwd', 'a.csv', 'http://']) {
    const { code, errors } = (await problem(await post('/v1/datasets', { url }))) as unknown as {
      code: string;
      errors: unknown[];
    };
    expect([code, errors]).toMatchObject(['invalid_body', [{ path: '/url' }]]);
  }
  expect((await problem(await post('/v1/datasets', { url: web.url, upload: 'upl_x' }))).code).toBe(
    'invalid_body',
  );
  expect((await problem(await post('/v1/datasets', { upload: 'upl_x', sha256: '0'.repeat(64) }))).code).toBe(
    'invalid_body',
  );
  for (const [name, location, reason] of [
    ['private', `${inside.url}/a.csv`, /127\.0\.0\.2 is not a public address/],
    ['metadata', 'http://169.254.169.254/latest/', /not a public address/],
    ['file', 'file:///etc/passwd', /neither https nor http/],
  ] as const) {
    web.answers.push(to(location));
    const failed = await fetched({ url: `${web.url}/${name}.csv` });
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'data_error' } });
    expect(failed.error?.message).toMatch(reason);
  }
  web.answers.push(...Array.from({ length: 6 }, (_, i) => to(`/again-${i}`)));
  expect((await fetched({ url: `${web.url}/loop.csv` })).error?.message).toMatch(/more than 5 redirects/);
  expect(inside.asked).toEqual([]);
  // Five are followed; the password stays with its host.
  const other = await host(table());
  web.asked.length = 0;
  web.answers.push(to('/b'), to('/c'), to('/d'), to('/e'), to(`${other.url}/last.csv`));
  const ready = await fetched({ url: `${web.url.replace('//', '//ann:pa55word@')}/a` });
  expect(ready).toMatchObject({ error: null, file: { name: 'last.csv' }, url: `${web.url}/a` });
  const basic = `Basic ${Buffer.from('ann:pa55word').toString('base64')}`;
  expect(web.asked.map(({ authorization }) => authorization)).toEqual(Array(5).fill(basic));
  expect(other.asked).toMatchObject([{ path: '/last.csv', authorization: undefined }]);
});

test('the log and the store have no secret once the file is there', { timeout: 120_000 }, async () => {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  await held.api.close();
  const other = await held.start({ log: createLogger('trace', destination) });
  try {
    const { fetched } = await caller('gus');
    const web = await host(table());
    web.answers.push((_, response) => response.destroy());
    const url = `${web.url.replace('//', '//ann:pa55word@')}/a.csv?token=s3cret`;
    held.api = other;
    await fetched({ url });
    expect(lines.join('\n')).toContain('a fetch was interrupted');
    expect(lines.join('\n')).not.toMatch(/pa55word|s3cret/);
    for (const name of await held.store.list('')) {
      expect(JSON.stringify(await held.store.manifest(name)), name).not.toMatch(/pa55word|s3cret/);
    }
  } finally {
    await other.close();
    held.api = await held.start();
  }
});

test('several processes fetch a file once, and one that ends leaves it to the others', {
  timeout: 120_000,
}, async () => {
  const others = [await held.start(), await held.start()];
  const { add, fetched, view } = await caller('hal');
  const file = table(200_000);
  const web = await host(file);
  try {
    for (let i = 0; i < 4; i++) expect((await fetched({ url: `${web.url}/${i}.csv` })).error).toBe(null);
    expect(web.asked.map(({ path }) => path)).toEqual(['/0.csv', '/1.csv', '/2.csv', '/3.csv']);
  } finally {
    for (const other of others) await other.close();
  }
  // The only process closes in the middle, and another one goes on.
  web.asked.length = 0;
  web.answers.push((_, response) => {
    response.writeHead(200, { etag: web.etag, 'content-length': file.length });
    response.write(file.subarray(0, 120_000));
    let at = 120_000;
    const trickle = setInterval(() => response.write(file.subarray(at, (at += 200))), 20);
    response.on('close', () => clearInterval(trickle));
  });
  const { id } = await add({ url: `${web.url}/handed-over.csv` });
  await expect.poll(async () => (await view(id)).received ?? 0, { timeout: 20_000 }).toBeGreaterThan(119_999);
  await held.api.close();
  held.api = await held.start();
  expect(await fetched({ url: `${web.url}/handed-over.csv` })).toMatchObject({
    id,
    error: null,
    file: { digest: sha256(file) },
  });
  expect(Number(/^bytes=(\d+)-$/.exec(web.asked.at(-1)?.range ?? '')?.[1])).toBeGreaterThan(119_999);
  expect(await view(id)).toMatchObject({ owner: 'hal' });
});

test('a data set that is deleted while its file comes leaves nothing', { timeout: 120_000 }, async () => {
  const { add, send, view } = await caller('ida');
  const file = table(50_000);
  const web = await host(file);
  web.answers.push((_, response) => {
    response.writeHead(200, { etag: web.etag, 'content-length': file.length });
    const trickle = setInterval(() => response.write(file.subarray(0, 500)), 20);
    response.on('close', () => clearInterval(trickle));
  });
  const { id } = await add({ url: `${web.url}/deleted.csv` });
  await expect.poll(async () => (await view(id)).received ?? 0, { timeout: 20_000 }).toBeGreaterThan(0);
  expect((await problem(await send(`/v1/datasets/${id}/profile`))).code).toBe('not_ready');
  expect((await send(`/v1/datasets/${id}`, 'DELETE')).status).toBe(204);
  await expect.poll(async () => (await manifests(id)).length, { timeout: 20_000 }).toBe(0);
  expect((await send(`/v1/datasets/${id}`)).status).toBe(404);
});

test('owners see their own, and a quota bounds what is fetched', { timeout: 120_000 }, async () => {
  const small = await held.start({ uploadQuota: 100_000 });
  const { token } = await held.queue.apiKeys.create({ name: 'jo', scope: 'submit', jobs: null, rate: 1e6 });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  await held.api.close();
  try {
    const file = table(200_000);
    const web = await host(file);
    const made = await fetch(`${small.url}/v1/datasets`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ url: `${web.url}/large.csv` }),
    });
    const { id } = (await made.json()) as StoredDataset;
    const view = async () =>
      (await (await fetch(`${small.url}/v1/datasets/${id}`, { headers })).json()) as StoredDataset;
    await expect.poll(async () => (await view()).state, { timeout: 20_000 }).toBe('failed');
    expect((await view()).error).toMatchObject({ code: 'storage_quota' });
    // Nothing of it stays.
    await delay(20);
    await collectLeftovers(held.queue, held.store, { marginMs: 0 });
    expect((await manifests(id)).map((name) => name.split('/').at(-1))).toEqual(['about', 'failed']);
    const other = await held.queue.apiKeys.create({ name: 'kim', scope: 'submit', jobs: null, rate: 1e6 });
    const seen = await fetch(`${small.url}/v1/datasets`, {
      headers: { authorization: `Bearer ${other.token}` },
    });
    expect(((await seen.json()) as { datasets: unknown[] }).datasets).toEqual([]);
    expect(
      (await fetch(`${small.url}/v1/datasets/${id}`, { headers: { authorization: `Bearer ${other.token}` } }))
        .status,
    ).toBe(404);
  } finally {
    await small.close();
    held.api = await held.start();
  }
});
