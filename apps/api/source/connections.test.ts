import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { privateApi } from './testing/api.ts';

const held = privateApi();

/** Sends some bytes, then waits until the API closes the connection. */
async function raw(url: string, bytes: string): Promise<{ status: number; headers: string; code: string }> {
  const { hostname, port } = new URL(url);
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

const unfinished: [string, string][] = [
  ['headers that never end', lines('GET /healthz HTTP/1.1', 'Host: localhost', 'X-Slow: 1')],
  [
    'a body that never comes',
    lines(
      'POST /v1/jobs HTTP/1.1',
      'Host: localhost',
      'Content-Type: application/json',
      'Content-Length: 9',
      '',
      '{"a"',
    ),
  ],
];

test.each(unfinished)('%s: answered request_timeout, and closed', async (_, bytes) => {
  // Short, to keep the test short.
  const api = await held.start({ requestTimeout: 500 });
  try {
    expectClosed(await raw(api.url, bytes), 408, 'request_timeout');
  } finally {
    await api.close();
  }
});

const long = `X-Long: ${'a'.repeat(20_000)}`;

test.each([
  ['headers of 20 KB', 'headers_too_large', 431, lines('GET /healthz HTTP/1.1', 'Host: localhost', long, '')],
  ['what is no HTTP', 'malformed_request', 400, lines('EHLO me', '')],
])('%s: answered %s, and closed', async (_, code, status, bytes) => {
  expectClosed(await raw(held.api.url, bytes), status, code);
});

function expectClosed(answer: Awaited<ReturnType<typeof raw>>, status: number, code: string): void {
  expect(answer).toMatchObject({ code, status });
  expect(answer.headers).toMatch(/Content-Type: application\/problem\+json/i);
  expect(answer.headers).toMatch(/Connection: close/i);
}

async function refusesConnections(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  return await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(false)).once('error', () => resolve(true));
  }).finally(() => socket.destroy());
}

test('a request in progress is answered before the API closes, and its connection is closed', {
  // Without the hook the connection would stay open for 72 s.
  timeout: 60_000,
}, async () => {
  const api = await held.start();
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname).setEncoding('utf8');
  let answer = '';
  socket.on('data', (text: string) => (answer += text));
  const left = once(socket, 'close');
  const body = JSON.stringify({ name: 1 });
  const head = lines('POST /v1/jobs HTTP/1.1', 'Host: localhost', 'Content-Type: application/json');
  socket.write(`${head}${lines(`Content-Length: ${body.length}`, 'Expect: 100-continue', '')}`);
  await expect.poll(() => answer, { timeout: 20_000 }).toBe('HTTP/1.1 100 Continue\r\n\r\n');
  const closed = api.close();
  await expect.poll(() => refusesConnections(api.url), { timeout: 20_000 }).toBe(true);
  socket.write(body);
  await Promise.all([closed, left]);
  expect(answer.split('\r\n\r\n')[1]).toMatch(/^HTTP\/1.1 422 /);
  await expect(fetch(`${api.url}/healthz`)).rejects.toThrow('fetch failed');
});

test('a connection that has sent nothing is closed with the API', { timeout: 60_000 }, async () => {
  const api = await held.start();
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  const left = once(socket.resume(), 'close');
  await fetch(`${api.url}/healthz`);
  await Promise.all([api.close(), left]);
});
