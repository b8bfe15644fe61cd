import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { createLogger } from './logger.ts';
import { privateApi } from './testing/api.ts';

const held = privateApi();

test('no log line contains a token, wherever a client sends it', async () => {
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
  const api = await held.start({ apiKeys: 'required', log: createLogger('trace', destination) });
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
