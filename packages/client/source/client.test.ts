import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ApiError } from './api-error.ts';
import { type Client, createClient } from './client.ts';

let server: Server;
let client: Client;
let asked: string[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  client = createClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});
afterEach(() => void server.close());

test('a problem becomes an ApiError with its code and fields', async () => {
  const errors = [{ path: '/seeds', message: 'must differ' }];
  answer = (_request, response) =>
    void response.writeHead(422).end(JSON.stringify({ code: 'invalid_spec', detail: 'no', errors }));
  const error = await client.validate({} as never).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ status: 422, code: 'invalid_spec', message: 'no', errors });
});

test('a response without problem details is still an ApiError', async () => {
  answer = (_request, response) => void response.writeHead(502).end('<html>bad gateway');
  await expect(client.job('x')).rejects.toMatchObject({ status: 502, message: '<html>bad gateway' });
});

test('every request has the token', async () => {
  const seen: (string | undefined)[] = [];
  answer = ({ headers }, response) => {
    seen.push(headers.authorization);
    response.end('{}');
  };
  await client.job('x');
  const address = server.address() as AddressInfo;
  const known = createClient(`http://127.0.0.1:${address.port}`, { token: 'dk_1_2' });
  await known.job('x');
  await known.validate({} as never);
  expect(seen).toEqual([undefined, 'Bearer dk_1_2', 'Bearer dk_1_2']);
});

test('names are escaped in paths', async () => {
  answer = (_request, response) => void response.end('{}');
  await client.job('a/b?c');
  expect(asked).toEqual(['GET /v1/jobs/a%2Fb%3Fc']);
});

test('weights are checked against the digest of the response', async () => {
  const bytes = Buffer.from('weights');
  let digest = createHash('sha256').update(bytes).digest('base64');
  answer = (_request, response) => void response.setHeader('repr-digest', `sha-256=:${digest}:`).end(bytes);
  const choice = { student: 'soft', seed: 0, checkpoint: 'last' } as const;
  expect(Buffer.from(await client.weights('j', choice)).toString()).toBe('weights');
  expect(asked).toEqual(['GET /v1/jobs/j/students/soft/weights?seed=0&checkpoint=last']);
  digest = createHash('sha256').update('others').digest('base64');
  await expect(client.weights('j')).rejects.toThrow(/have digest .*, expected/);
});

test('watching ends with the terminal view', async () => {
  const states = ['queued', 'running', 'running', 'failed', 'never asked for'];
  answer = (_request, response) => void response.end(JSON.stringify({ state: states.shift() }));
  const seen: string[] = [];
  for await (const { state } of client.watch('j', { interval: 1 })) seen.push(state);
  expect(seen).toEqual(['queued', 'running', 'running', 'failed']);
});

test('watching stops when it is aborted', async () => {
  answer = (_request, response) => void response.end(JSON.stringify({ state: 'running' }));
  const controller = new AbortController();
  const watching = (async () => {
    for await (const _ of client.watch('j', { interval: 60_000, signal: controller.signal }))
      controller.abort();
  })();
  await expect(watching).rejects.toMatchObject({ name: 'AbortError' });
});
