import { request } from 'node:http';
import { gunzipSync, gzipSync } from 'node:zlib';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { privateApi, problem, spec, submitted } from './testing/api.ts';

const held = privateApi();

/** Returns an answer as it was sent: fetch would decompress it. */
async function raw(path: string, headers: Record<string, string>, method = 'GET') {
  return new Promise<{ headers: Record<string, unknown>; body: Buffer }>((resolve, reject) => {
    const outgoing = request(held.api.url + path, { method, headers }, (response) => {
      buffer(response).then((body) => resolve({ headers: response.headers, body }), reject);
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

test('an answer is compressed for clients that accept it', async () => {
  const plain = await raw('/openapi.json', {});
  expect(plain.headers).toMatchObject({ vary: 'accept-encoding', 'content-length': `${plain.body.length}` });
  expect(plain.headers['content-encoding']).toBeUndefined();
  for (const accepted of ['gzip', 'br, GZIP;q=0.5', '*']) {
    const { headers, body } = await raw('/openapi.json', { 'accept-encoding': accepted });
    expect(headers).toMatchObject({ 'content-encoding': 'gzip', 'content-length': `${body.length}` });
    expect(gunzipSync(body).equals(plain.body)).toBe(true);
    expect(body.length).toBeLessThan(plain.body.length / 4);
  }
  for (const refused of ['br', 'gzip;q=0', '*, gzip;q=0', 'identity']) {
    const { headers } = await raw('/openapi.json', { 'accept-encoding': refused });
    expect([refused, headers['content-encoding']]).toEqual([refused, undefined]);
  }
});

test('short answers and files are sent as they are', async () => {
  const gzip = { 'accept-encoding': 'gzip' };
  expect((await raw('/healthz', gzip)).headers['content-encoding']).toBeUndefined();
  const head = await raw('/openapi.json', gzip, 'HEAD');
  expect([head.headers['content-encoding'], head.body.length]).toEqual([undefined, 0]);
});

test('the tag of a compressed job is weak, and names the same version', async () => {
  const { id } = await submitted(held);
  const gzip = { 'accept-encoding': 'gzip' };
  const { etag } = (await raw(`/v1/jobs/${id}`, {})).headers as { etag: string };
  const compressed = await raw(`/v1/jobs/${id}`, gzip);
  expect(compressed.headers).toMatchObject({ 'content-encoding': 'gzip', etag: `W/${etag}` });
  for (const tag of [etag, `W/${etag}`]) {
    expect((await raw(`/v1/jobs/${id}`, { ...gzip, 'if-none-match': tag })).body.length).toBe(0);
  }
});

const post = (body: Uint8Array | string, coding: string) =>
  held.request('/v1/jobs/validate', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-encoding': coding },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  });

test('a compressed body is read like the plain one', async () => {
  const text = JSON.stringify(spec);
  const answers = [await post(text, 'identity'), await post(gzipSync(text), 'gzip')];
  const [plain, packed] = await Promise.all(answers.map(async (one) => [one.status, await one.text()]));
  expect(packed).toEqual(plain);
  expect(plain[0]).toBe(200);
});

test('a body that is damaged, too large or otherwise encoded is refused', async () => {
  const packed = gzipSync(JSON.stringify(spec));
  const cases: [Uint8Array, string, number, string][] = [
    [packed.subarray(0, packed.length - 12), 'gzip', 400, 'malformed_body'],
    [Buffer.from('not compressed'), 'gzip', 400, 'malformed_body'],
    // 64 MiB of spaces in 64 kB.
    [gzipSync(Buffer.alloc(2 ** 26, ' ')), 'gzip', 413, 'body_too_large'],
    [packed, 'br', 415, 'unsupported_media_type'],
  ];
  for (const [body, coding, status, code] of cases) {
    const response = await post(body, coding);
    expect([response.status, (await problem(response)).code]).toEqual([status, code]);
    if (status === 415) expect(response.headers.get('accept-encoding')).toBe('gzip');
  }
});
