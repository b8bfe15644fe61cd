import { once } from 'node:events';
import { connect } from 'node:net';
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { createLogger } from './index.ts';
import { privateApi } from './private-api.ts';

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

test('a token is in no line of the log, wherever a client has put it', async () => {
  const log: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _, done) {
      log.push(chunk.toString());
      done();
    },
  });
  const { token, id } = await held.queue.apiKeys.create({
    name: 'ann',
    scope: 'read',
    jobs: null,
    rate: null,
  });
  const secret = token.split('_').slice(2).join('_');
  const api = await held.start({ env: { API_KEYS: 'required' }, log: createLogger('trace', destination) });
  try {
    for (const [path, headers] of [
      ['/v1/jobs', { authorization: `Bearer ${token}` }],
      ['/v1/jobs', { 'x-api-key': token }],
      [`/v1/jobs?token=${token}`, {}],
      [`/v1/jobs/${token}`, { authorization: `Bearer ${token}` }],
      ['/v1/jobs', { referer: `http://ann:${token}@example.org/` }],
    ] as const) {
      await (await fetch(api.url + path, { headers })).text();
    }
  } finally {
    await api.close();
  }
  expect(log.length).toBeGreaterThan(5);
  expect(log.join('')).toContain(`dk_${id}_[redacted]`);
  expect(log.join('')).not.toContain(secret);
});
