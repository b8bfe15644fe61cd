import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { privateApi } from './testing/api.ts';

const held = privateApi({ requestTimeout: 1000 });

/** Sends bytes and no more, and waits until the API has closed the connection. */
async function raw(bytes: string): Promise<{ status: number; headers: string; code: string }> {
  const { hostname, port } = new URL(held.api.url);
  const socket = connect(Number(port), hostname).setEncoding('utf8');
  let answer = '';
  socket.on('data', (text: string) => (answer += text));
  socket.on('error', () => {});
  socket.write(bytes);
  await once(socket, 'close');
  const [headers, body] = answer.split('\r\n\r\n');
  return {
    status: Number(headers.split(' ')[1]),
    headers,
    code: (JSON.parse(body) as { code: string }).code,
  };
}

const lines = (...all: string[]) => `${all.join('\r\n')}\r\n`;

test.each([
  ['headers that never end', 'request_timeout', 408, lines('GET /healthz HTTP/1.1', 'Host: x', 'X-Slow: 1')],
  [
    'a body that never comes',
    'request_timeout',
    408,
    lines(
      'POST /v1/jobs HTTP/1.1',
      'Host: x',
      'Content-Type: application/json',
      'Content-Length: 9',
      '',
      '{"a"',
    ),
  ],
  [
    'headers of 20 KB',
    'headers_too_large',
    431,
    lines('GET /healthz HTTP/1.1', 'Host: x', `X-Long: ${'a'.repeat(20_000)}`, ''),
  ],
  ['what is no HTTP', 'malformed_request', 400, lines('EHLO me', '')],
])('%s: answered %s, and closed', async (_, code, status, bytes) => {
  const answer = await raw(bytes);
  expect(answer).toMatchObject({ code, status });
  expect(answer.headers).toMatch(/Content-Type: application\/problem\+json/i);
  expect(answer.headers).toMatch(/Connection: close/i);
});

test('a request that has begun is answered before the API is closed, and its connection not kept', async () => {
  const api = await held.start({ requestTimeout: 30_000 });
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname).setEncoding('utf8');
  let answer = '';
  socket.on('data', (text: string) => (answer += text));
  const body = JSON.stringify({ name: 1 });
  const head = lines('POST /v1/jobs HTTP/1.1', 'Host: x', 'Content-Type: application/json');
  socket.write(`${head}${lines(`Content-Length: ${body.length}`, '')}${body.slice(0, 4)}`);
  const left = once(socket, 'close');
  await delay(200);
  const closed = api.close();
  await delay(200);
  socket.write(body.slice(4));
  // By itself it would be kept for 72 s.
  expect(await Promise.race([closed, delay(20_000, 'kept')])).toBeUndefined();
  await left;
  expect(answer).toMatch(/^HTTP\/1.1 422 /);
  await expect(fetch(`${api.url}/healthz`)).rejects.toThrow('fetch failed');
});
