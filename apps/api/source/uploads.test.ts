import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { sha256, type Upload } from '@distillery/spec';
import { Upload as TusUpload } from 'tus-js-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { collectLeftovers } from './artifacts/collect.ts';
import type { RunningApi } from './index.ts';
import { privateApi, problem } from './testing/api.ts';
import { removeExpired } from './uploads/expire.ts';

const held = privateApi({
  apiKeys: 'required',
  uploadBytes: 1_000_000,
  uploadQuota: 1_500_000,
  collection: { everyMs: 3_600_000 },
});
/** A second API of the same service, as another machine would run it. */
let other: RunningApi;
beforeAll(async () => {
  other = await held.start();
});
afterAll(() => other.close());

const tus = 'application/offset+octet-stream';
const bytes = (count: number, seed = 1) =>
  Buffer.from(Uint8Array.from({ length: count }, (_, i) => (i * 31 + seed * 7 + (i >> 8)) % 256));

async function caller(name: string, scope: 'read' | 'submit' | 'admin' = 'submit') {
  const { token } = await held.queue.apiKeys.create({ name, scope, jobs: null, rate: 1e6 });
  const authorization = `Bearer ${token}`;
  const at =
    (api: RunningApi) =>
    (path: string, method: string, headers: object = {}, body?: Buffer) =>
      fetch(api.url + path, { method, headers: { authorization, ...headers }, ...(body && { body }) });
  const send = at(held.api);
  const begin = async (size: number, name = 'a.bin', body?: Buffer) => {
    const response = await send(
      '/v1/uploads',
      'POST',
      {
        'upload-length': String(size),
        'upload-metadata': `filename ${Buffer.from(name).toString('base64')}`,
        ...(body && { 'content-type': tus }),
      },
      body,
    );
    expect(response.status, await response.clone().text()).toBe(201);
    return response.headers.get('location') as string;
  };
  const patch = (path: string, offset: number, body: Buffer, more: object = {}, api = held.api) =>
    at(api)(path, 'PATCH', { 'upload-offset': String(offset), 'content-type': tus, ...more }, body);
  const view = async (path: string) => (await (await send(path, 'GET')).json()) as Upload;
  return { authorization, send, begin, patch, view };
}

test('the official client uploads a file, which becomes one blob', async () => {
  const { authorization, view } = await caller('tus');
  const content = bytes(700_000);
  const upload = new TusUpload(content, {
    endpoint: `${held.api.url}/v1/uploads`,
    headers: { authorization },
    metadata: { filename: 'folder/pets ü.zip' },
    chunkSize: 100_000,
  });
  await new Promise<void>((resolve, reject) => {
    upload.options.onSuccess = () => resolve();
    upload.options.onError = reject;
    upload.start();
  });
  const kept = await view(new URL(upload.url as string).pathname);
  expect(kept).toMatchObject({
    name: 'pets ü.zip',
    owner: 'tus',
    size: 700_000,
    offset: 700_000,
    state: 'complete',
    digest: sha256(content),
  });
  expect(Buffer.from(await held.store.read(sha256(content))).equals(content)).toBe(true);
  // Its parts go, the file stays.
  const parts = sha256(content.subarray(0, 100_000));
  expect(await held.store.stat(parts)).toBeDefined();
  await new Promise((resolve) => setTimeout(resolve, 20));
  await collectLeftovers(held.queue, held.store, { marginMs: 0 });
  expect(await held.store.stat(parts)).toBeUndefined();
  expect(await held.store.stat(sha256(content))).toBeDefined();
});

test('several processes receive one upload, which continues where it ended', async () => {
  const { begin, patch, send, view } = await caller('several');
  const content = bytes(90_000, 2);
  const path = await begin(90_000, 'a.bin', content.subarray(0, 30_000));
  for (const [api, from] of [
    [other, 30_000],
    [held.api, 60_000],
  ] as const) {
    const measured = await send(path, 'HEAD', { 'tus-resumable': '1.0.0' });
    expect([measured.headers.get('upload-offset'), measured.headers.get('upload-length')]).toEqual([
      String(from),
      '90000',
    ]);
    const sent = await patch(path, from, content.subarray(from, from + 30_000), {}, api);
    expect([sent.status, sent.headers.get('upload-offset')]).toEqual([204, String(from + 30_000)]);
  }
  expect(await view(path)).toMatchObject({ state: 'complete', digest: sha256(content) });
});

test('of two requests with the same bytes at the same time one is kept', async () => {
  const { begin, patch, view } = await caller('racing');
  const content = bytes(50_000, 3);
  const path = await begin(50_000);
  const answers = await Promise.all(
    [held.api, other, held.api, other].map((api) => patch(path, 0, content, {}, api)),
  );
  const statuses = answers.map(({ status }) => status).sort((a, b) => a - b);
  expect(statuses[0]).toBe(204);
  expect(new Set(statuses.slice(1))).toEqual(new Set([409]));
  expect(await view(path)).toMatchObject({ state: 'complete', digest: sha256(content) });
});

test('what does not fit is refused', async () => {
  const { begin, patch, send } = await caller('refused');
  const path = await begin(10);
  const refused = async (response: Response) => {
    const { code, detail } = await problem(response);
    return { status: response.status, code, detail };
  };
  expect(await refused(await patch(path, 4, bytes(2)))).toEqual({
    status: 409,
    code: 'upload_conflict',
    detail: 'the upload has 0 of 10 bytes: it continues at 0, not at 4',
  });
  expect(await refused(await patch(path, 0, bytes(11)))).toMatchObject({
    status: 413,
    code: 'upload_too_large',
  });
  const restarted = await begin(10);
  expect(await refused(await patch(restarted, 0, bytes(4), { 'content-type': 'text/plain' }))).toEqual({
    status: 415,
    code: 'unsupported_media_type',
    detail: 'the body of a PATCH has the type application/offset+octet-stream, not text/plain',
  });
  const gzip = { 'content-encoding': 'gzip' };
  expect(await refused(await patch(restarted, 0, bytes(4), gzip))).toMatchObject({
    status: 415,
    code: 'unsupported_media_type',
  });
  expect(await refused(await patch(restarted, 0, bytes(4), { 'tus-resumable': '0.2.2' }))).toMatchObject({
    status: 412,
    code: 'precondition_failed',
  });
  const sum = (algorithm: string, of: Buffer) => ({
    'upload-checksum': `${algorithm} ${createHash(algorithm).update(of).digest('base64')}`,
  });
  expect(await refused(await patch(restarted, 0, bytes(4), sum('sha256', bytes(5))))).toMatchObject({
    status: 460,
    code: 'checksum_mismatch',
  });
  expect((await patch(restarted, 0, bytes(4), sum('sha256', bytes(4)))).headers.get('upload-offset')).toBe(
    '4',
  );
  expect(await refused(await patch(restarted, 4, bytes(4), { 'upload-checksum': 'crc x' }))).toMatchObject({
    status: 400,
    code: 'malformed_request',
  });
  const large = { 'upload-length': '1000001' };
  expect(await refused(await send('/v1/uploads', 'POST', large))).toMatchObject({
    status: 413,
    code: 'upload_too_large',
  });
  for (const headers of [{}, { 'upload-length': 'many' }, { 'upload-length': '-1' }]) {
    expect(await refused(await send('/v1/uploads', 'POST', headers))).toMatchObject({
      status: 400,
      code: 'malformed_request',
    });
  }
  expect(await refused(await send('/v1/uploads/upl_none', 'GET'))).toMatchObject({
    status: 404,
    code: 'upload_not_found',
  });
});

test('a small file is sent by one PUT, whatever its type', async () => {
  const { send } = await caller('put');
  const content = Buffer.from('{"text":"a","label":"b"}\n');
  const type = { 'content-type': 'application/json' };
  const response = await send('/v1/uploads/rows.jsonl', 'PUT', type, content);
  const upload = (await response.json()) as Upload;
  expect([response.status, response.headers.get('location')]).toEqual([201, `/v1/uploads/${upload.id}`]);
  expect(upload).toMatchObject({ name: 'rows.jsonl', state: 'complete', digest: sha256(content) });
});

test('a PUT that is cut off leaves nothing, and one without a length is refused', async () => {
  const { authorization, send } = await caller('cut');
  const { hostname, port, host } = new URL(held.api.url);
  const head = (more: string) =>
    `PUT /v1/uploads/a.bin HTTP/1.1\r\nHost: ${host}\r\nAuthorization: ${authorization}\r\n${more}\r\n\r\n`;
  const socket = connect(Number(port), hostname);
  socket.write(`${head('Content-Length: 1000')}half`);
  const uploads = async () =>
    ((await (await send('/v1/uploads', 'GET')).json()) as { uploads: Upload[] }).uploads;
  await expect.poll(async () => (await uploads()).length).toBe(1);
  socket.resetAndDestroy();
  await expect.poll(async () => (await uploads()).length).toBe(0);

  const chunked = connect(Number(port), hostname).setEncoding('utf8');
  let answer = '';
  chunked.on('data', (text: string) => (answer += text));
  chunked.write(`${head('Transfer-Encoding: chunked')}4\r\nhalf\r\n`);
  await once(chunked, 'close');
  expect(answer).toMatch(/^HTTP\/1.1 411 [^]*"code":"length_required"/);
});

test('owners see their own uploads, and have space of their own', async () => {
  const [one, two, reader, admin] = [
    await caller('one'),
    await caller('two'),
    await caller('reader', 'read'),
    await caller('boss', 'admin'),
  ];
  const path = await one.begin(1000);
  for (const answer of [
    await two.send(path, 'GET'),
    await two.send(path, 'HEAD'),
    await two.send(path, 'DELETE'),
    await two.patch(path, 0, bytes(10)),
    await reader.send(path, 'GET'),
  ]) {
    expect(answer.status).toBe(404);
  }
  expect((await reader.send('/v1/uploads', 'POST', { 'upload-length': '1' })).status).toBe(403);
  const ids = async (who: typeof one) =>
    ((await (await who.send('/v1/uploads', 'GET')).json()) as { uploads: Upload[] }).uploads.map(
      ({ id }) => id,
    );
  expect(await ids(one)).toEqual([path.split('/').at(-1)]);
  expect(await ids(two)).toEqual([]);
  expect(await ids(admin)).toContain(path.split('/').at(-1));

  // 1,500,000 bytes each, in uploads that are not finished, too.
  const filling = await one.begin(1_000_000);
  const over = await one.send('/v1/uploads', 'POST', { 'upload-length': '500000' });
  expect([over.status, await problem(over)]).toMatchObject([
    413,
    {
      code: 'storage_quota',
      detail: expect.stringContaining('would take 1501000 bytes, more than the 1500000 of UPLOAD_QUOTA'),
    },
  ]);
  const put = await one.send('/v1/uploads/a.bin', 'PUT', {}, bytes(500_000));
  expect((await problem(put)).code).toBe('storage_quota');
  await two.begin(1_000_000);
  expect((await one.send(filling, 'DELETE')).status).toBe(204);
  await one.begin(500_000);
  // Equal files count once.
  const again = await two.send('/v1/uploads/a.bin', 'PUT', {}, bytes(400_000, 5));
  expect(again.status).toBe(201);
  expect((await two.send('/v1/uploads/b.bin', 'PUT', {}, bytes(400_000, 5))).status).toBe(413);
  await admin.begin(1_000_000);
  await admin.begin(1_000_000);
});

test('an upload without new bytes expires, with its blobs', async () => {
  const { begin, patch, send } = await caller('late');
  const content = bytes(5000, 9);
  const path = await begin(10_000);
  const sent = await patch(path, 0, content);
  const expires = Date.parse(sent.headers.get('upload-expires') as string);
  expect(expires - Date.now()).toBeGreaterThan(23.9 * 3_600_000);
  const rules = { mostBytes: 0, quotaBytes: 0, keepMs: 24 * 3_600_000 };
  await removeExpired(held.queue, held.store, rules, expires - 5000);
  expect((await send(path, 'GET')).status).toBe(200);
  expect(await removeExpired(held.queue, held.store, rules, expires + 5000)).toBeGreaterThan(0);
  expect((await send(path, 'GET')).status).toBe(404);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await collectLeftovers(held.queue, held.store, { marginMs: 0 });
  expect(await held.store.stat(sha256(content))).toBeUndefined();
  expect((await held.store.list('uploads')).length).toBe(0);
});
