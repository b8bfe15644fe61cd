import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { privateApi, spec } from './testing/api.ts';

const held = privateApi({ allowedHosts: ['distill.example'] });

/** Sends a request with headers that fetch would not let a program choose. */
async function sent(
  path: string,
  headers: Record<string, string>,
  { method = 'POST', body = '', url = held.api.url } = {},
): Promise<{ status: number | undefined; code: string | undefined }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url + path, { method, headers }, (response) => {
      text(response).then((answer) => {
        const { code } = (answer === '' ? {} : JSON.parse(answer)) as { code?: string };
        resolve({ status: response.statusCode, code });
      }, reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const sweep = '/v1/store/sweep?remove=true';
const json = { 'content-type': 'application/json' };

test.each([
  ['localhost:1', 200],
  ['LOCALHOST.', 200],
  ['127.8.0.1', 200],
  ['[::1]:8080', 200],
  ['app.localhost', 200],
  ['Distill.example:443', 200],
  ['evil.example', 421],
  ['localhost.evil.example', 421],
  ['127.0.0.1.evil.example', 421],
  ['0.0.0.0:8080', 421],
  ['distill.example.evil.example', 421],
  ['user@localhost', 421],
])('a keyless API answers %s with %d', async (host, status) => {
  for (const [path, method] of [
    [sweep, 'POST'],
    ['/v1/jobs', 'GET'],
  ]) {
    const answer = await sent(path, { host }, { method });
    expect(answer).toEqual({ status, code: status === 200 ? undefined : 'unknown_host' });
  }
});

test('health and the OpenAPI page answer every host, because probes have no name for it', async () => {
  for (const path of ['/healthz', '/openapi.json']) {
    expect((await sent(path, { host: '10.0.0.7' }, { method: 'GET' })).status).toBe(200);
  }
});

test.each<[string, Record<string, string>, boolean]>([
  ['a program', {}, true],
  ['a page of this service', { 'sec-fetch-site': 'same-origin', origin: 'http://localhost:8080' }, true],
  ['a person who typed the address', { 'sec-fetch-site': 'none' }, true],
  ['a page of another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, false],
  ['a page of another port', { 'sec-fetch-site': 'same-site', origin: 'http://localhost:3000' }, false],
  ['an old browser, from this service', { origin: 'http://localhost:8080' }, true],
  ['an old browser, from another port', { origin: 'http://localhost:3000' }, false],
  ['an old browser, from a file or a sandbox', { origin: 'null' }, false],
])('changes from %s', async (_, headers, allowed) => {
  const to = { host: 'localhost:8080', ...headers };
  const refused = { status: 403, code: 'cross_site' };
  expect(await sent(sweep, to)).toEqual(allowed ? { status: 200, code: undefined } : refused);
  const body = JSON.stringify(spec);
  expect(await sent('/v1/jobs/validate', { ...to, ...json }, { body })).toEqual(
    allowed ? { status: 200, code: undefined } : refused,
  );
  expect((await sent('/v1/jobs', to, { method: 'GET' })).status).toBe(200);
});

test('a body that a page may send without asking is refused, whatever the route', async () => {
  const refused = { status: 415, code: 'unsupported_media_type' };
  const types = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'];
  for (const path of ['/v1/jobs', sweep]) {
    for (const type of types) {
      expect(await sent(path, { 'content-type': type }, { body: JSON.stringify(spec) })).toEqual(refused);
    }
    expect(await sent(path, {}, { body: JSON.stringify(spec) })).toEqual(refused);
  }
});

test('with keys, other sites are refused, and host names only where they are set', async () => {
  const { token } = await held.queue.apiKeys.create({ name: 'ann', scope: 'admin', jobs: null, rate: null });
  const authorization = `Bearer ${token}`;
  const anywhere = await held.start({ apiKeys: 'required', allowedHosts: [] });
  const named = await held.start({ apiKeys: 'required' });
  try {
    const to = { host: 'service.cluster', authorization };
    expect(await sent(sweep, to, anywhere)).toMatchObject({ status: 200 });
    const page = { ...to, 'sec-fetch-site': 'cross-site' };
    expect(await sent(sweep, page, anywhere)).toEqual({ status: 403, code: 'cross_site' });
    expect(await sent(sweep, to, named)).toEqual({ status: 421, code: 'unknown_host' });
    expect(await sent(sweep, { ...to, host: 'distill.example' }, named)).toMatchObject({ status: 200 });
  } finally {
    await Promise.all([anywhere.close(), named.close()]);
  }
});
