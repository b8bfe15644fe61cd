import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ApiError, type Client, type ClientOptions, ConnectionError, createClient } from './index.ts';

let server: Server;
let url: string;
let asked: string[];
let answer: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    void answer(request, response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const client = (options: ClientOptions = {}): Client => createClient(`${url}/`, options);
const reasonOf = (call: Promise<unknown>): Promise<unknown> => call.catch((reason: unknown) => reason);

/** Answers the first requests with these statuses, and the rest with an empty object. */
function failing(statuses: number[], headers: Record<string, string> = {}): typeof answer {
  return (_request, response) => {
    const status = statuses.shift();
    if (status === undefined) response.end('{}');
    else response.writeHead(status, headers).end('{"code":"redis_unavailable"}');
  };
}

test('a problem becomes an ApiError with its code and fields', async () => {
  const errors = [{ path: '/seeds', message: 'must differ' }];
  answer = (_request, response) =>
    void response.writeHead(422).end(JSON.stringify({ code: 'invalid_spec', detail: 'no', errors }));
  const error = await reasonOf(client().jobs.validate({} as never));
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ status: 422, code: 'invalid_spec', message: 'no', errors });
});

test.each([
  ['<html>bad gateway', '<html>bad gateway'],
  ['', 'HTTP 404'],
  ['[]', 'HTTP 404'],
])('a response without problem details is still an ApiError: %j', async (body, message) => {
  answer = (_request, response) => void response.writeHead(404).end(body);
  expect(await reasonOf(client().jobs.get('x'))).toMatchObject({ status: 404, message, code: 'unknown' });
});

test('a page that is not of the API is named', async () => {
  answer = (_request, response) => void response.end('<html>Welcome');
  await expect(client().jobs.get('x')).rejects.toThrow(
    `${url}/v1/jobs/x did not answer with JSON: is it the address of a Distillery API?`,
  );
  expect(asked).toHaveLength(1);
});

test('every request has the token, and names are escaped in paths', async () => {
  const seen: (string | undefined)[] = [];
  answer = ({ headers }, response) => {
    seen.push(headers.authorization);
    response.end('{}');
  };
  await client().jobs.get('a/b?c');
  await client({ token: 'dk_1_2' }).jobs.get('x');
  expect(seen).toEqual([undefined, 'Bearer dk_1_2']);
  expect(asked[0]).toBe('GET /v1/jobs/a%2Fb%3Fc');
});

test('queries leave out what is not given, and repeat labels', async () => {
  answer = (_request, response) => void response.end('{"jobs":[],"next":null}');
  await client()
    .jobs.list({ state: undefined, labels: { a: '1', b: '&' }, limit: 3 })
    .page();
  expect(asked).toEqual(['GET /v1/jobs?limit=3&label=a%3D1&label=b%3D%26']);
});

test.each([500, 502, 503, 504, 408])(
  'a request that is safe to repeat is repeated after %i',
  async (status) => {
    answer = failing([status, status]);
    await client().jobs.get('x');
    expect(asked).toHaveLength(3);
  },
);

test('retries have an end, and none is possible', async () => {
  answer = failing([503, 503, 503]);
  expect(await reasonOf(client({ retries: 1 }).jobs.get('x'))).toMatchObject({ status: 503 });
  expect(asked).toHaveLength(2);
  expect(await reasonOf(client().jobs.get('x', { retries: 0 }))).toMatchObject({ status: 503 });
  expect(asked).toHaveLength(3);
});

test.each([400, 401, 403, 404, 409, 412, 422, 429, 507])('%i is not repeated', async (status) => {
  answer = failing([status]);
  expect(await reasonOf(client().jobs.get('x'))).toMatchObject({ status, transient: false });
  expect(asked).toHaveLength(1);
});

test('Retry-After is waited for, unless it is longer than a minute', async () => {
  answer = failing([429], { 'retry-after': '1' });
  const startedAt = performance.now();
  await client().jobs.get('x');
  expect(performance.now() - startedAt).toBeGreaterThan(990);
  answer = failing([429], { 'retry-after': new Date(Date.now() + 3_600_000).toUTCString() });
  expect(await reasonOf(client().jobs.get('x'))).toMatchObject({ status: 429 });
  expect(asked).toHaveLength(3);
});

test('a job is submitted again with the same key and body, which is a new one for each call', async () => {
  const seen: string[] = [];
  answer = async (request, response) => {
    seen.push(`${String(request.headers['idempotency-key'])} ${await text(request)}`);
    if (seen.length % 2 === 1) request.socket.destroy();
    else response.end('{}');
  };
  await client().jobs.create({ dataset: {}, students: [] });
  await client().jobs.create({ dataset: {}, students: [] });
  expect(seen).toHaveLength(4);
  expect(seen[0]).toMatch(/^[0-9a-f]{32} {"dataset":{},"students":\[\]}$/);
  expect(seen[1]).toBe(seen[0]);
  expect(seen[2]).not.toBe(seen[0]);
  await client()
    .jobs.create({} as never, { idempotencyKey: 'mine' })
    .catch(() => {});
  expect(seen[4]).toBe('mine {}');
});

test('an attempt that takes too long is repeated, and the last one is a ConnectionError', async () => {
  answer = (_request, response) => {
    // The headers arrive in time, the body does not.
    if (asked.length === 1) response.writeHead(200, { 'content-length': 2 }).flushHeaders();
    else if (asked.length > 2) return;
    else response.end('{}');
  };
  await client({ timeoutMs: 200 }).jobs.get('x');
  expect(asked).toHaveLength(2);
  const error = await reasonOf(client({ timeoutMs: 50, retries: 0 }).jobs.get('x'));
  expect(error).toBeInstanceOf(ConnectionError);
  expect(error).toMatchObject({ message: `no response from ${url}/v1/jobs/x: it took longer than 50 ms` });
});

test('a signal ends a call, while it waits for an answer and between attempts', async () => {
  answer = () => {};
  const call = new AbortController();
  const running = reasonOf(client().jobs.get('x', { signal: call.signal }));
  await expect.poll(() => asked.length).toBe(1);
  call.abort(new Error('enough'));
  expect(await running).toMatchObject({ message: 'enough' });
  answer = failing([429], { 'retry-after': '30' });
  const pause = new AbortController();
  const waiting = reasonOf(client().jobs.get('x', { signal: pause.signal }));
  await expect.poll(() => asked.length).toBe(2);
  pause.abort(new Error('enough'));
  expect(await waiting).toMatchObject({ message: 'enough' });
  expect(asked).toHaveLength(2);
});

test('a service that cannot be reached is a ConnectionError with its reason', async () => {
  await new Promise((closed) => server.close(closed));
  const error = await reasonOf(client({ retries: 1 }).jobs.get('x'));
  expect(error).toBeInstanceOf(ConnectionError);
  expect(error).toMatchObject({ url: `${url}/v1/jobs/x`, message: expect.stringContaining('ECONNREFUSED') });
});
