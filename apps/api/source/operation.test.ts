import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { WorkerInfo } from '@distillery/queue';
import { engine } from '@distillery/queue/testing';
import { expect, inject, test } from 'vitest';
import { createLogger, startApi } from './index.ts';
import { privateApi, problem } from './testing/api.ts';

const held = privateApi();

const main = (env: Record<string, string>, ...args: string[]) =>
  spawn(process.execPath, [join(inject('built'), 'apps/api/source/main.js'), ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/** Runs a program that cannot start, and returns its exit code and output. */
async function failure(env: Record<string, string>, ...args: string[]) {
  const child = main(env, ...args);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code: code as number, stdout, stderr };
}

test('the program takes its settings from the environment and stops on SIGTERM', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'distillery-test-'));
  const settings = {
    REDIS_URL: held.redis.url,
    PORT: '0',
    STORE_DIR: join(dir, 's'),
    DATA_DIR: join(dir, 'd'),
  };
  const child = main(settings);
  try {
    let url = '';
    for await (const line of createInterface(child.stdout)) {
      url = /listening at (http:\S+?)"/.exec(line)?.[1] ?? '';
      if (url !== '') break;
    }
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  } finally {
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    await rm(dir, { recursive: true });
    expect(code).toBe(0);
  }
});

test.each([
  [{ REDIS_URL: '' }, [], 'REDIS_URL is not set, it must be a URL that begins with redis:// or rediss://'],
  [{ PORT: 'http' }, [], 'PORT is "http", it must be a whole number from 0 to 65535'],
  [{ TRUST_PROXY: 'true' }, [], expect.stringMatching(/^TRUST_PROXY is "true", it must be IP addresses, /)],
  [
    { HOST: '0.0.0.0', API_KEYS: 'off' },
    [],
    expect.stringMatching(/^API_KEYS=off on 0\.0\.0\.0 would admit/),
  ],
  [{ REDIS_URL: 'redis://ann:hush@x:1/y' }, [], '"y" in the Redis URL is not the number of a database'],
  [{}, ['--prot', '80'], 'there is no flag --prot: did you mean --port?'],
])('%j %j cannot be used: one line says so, and the exit code is 2', async (env, args, message) => {
  const { code, stdout, stderr } = await failure({ REDIS_URL: held.redis.url, ...env }, ...args);
  expect([code, stdout]).toEqual([2, '']);
  const [, line] = /^api: (.*)\n$/.exec(stderr) ?? [];
  expect(line).toEqual(message);
});

test('an internal error is logged with its cause; the client gets only the request id', async () => {
  const lines: string[] = [];
  const log = createLogger('info', { write: (line) => lines.push(line) });
  const dir = await mkdtemp(join(tmpdir(), 'distillery-test-'));
  const api = await startApi({ redisUrl: held.redis.url, store: dir, dataDir: dir, roots: [], log });
  // The schema of workers refuses such a host, so serialization fails.
  const worker = await held.queue.workers.register({
    id: 'w',
    version: '0.1.0',
    engine,
    host: 7,
  } as unknown as WorkerInfo);
  const response = await fetch(`${api.url}/v1/engine`, {
    headers: { authorization: 'Bearer secret-1', 'x-request-id': 'trace-9' },
  });
  expect(response.status).toBe(500);
  expect(await problem(response)).toMatchObject({ code: 'internal', instance: 'trace-9' });
  const entry = lines
    .map((line) => JSON.parse(line))
    .find(({ level, reqId }) => level === 50 && reqId === 'trace-9');
  expect(entry.err).toMatchObject({
    type: 'ResponseSerializationError',
    stack: expect.stringContaining("doesn't match the schema"),
  });
  log.info({ headers: { authorization: 'Bearer secret-1' }, req: { method: 'GET' } }, 'by hand');
  expect(lines.join('')).not.toContain('secret-1');
  await worker.stop();
  await api.close();
  await rm(dir, { recursive: true });
});
