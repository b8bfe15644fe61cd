import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { StageProgress } from '@distillery/spec';
import { expect, test } from 'vitest';
import { createLogger, startApi } from './index.ts';
import { privateApi, problem, submitted } from './testing/api.ts';

const held = privateApi();

const main = (env: Record<string, string>) =>
  spawn(process.execPath, ['--import', 'tsx', fileURLToPath(new URL('./main.ts', import.meta.url))], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });

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

test('without REDIS_URL it says so and ends', async () => {
  const child = main({});
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk.toString();
  });
  const [code] = await once(child, 'exit');
  expect([code, output]).toEqual([1, expect.stringContaining('REDIS_URL is not set')]);
});

test('a mistake of ours is logged with its cause, and tells the client nothing but its id', async () => {
  const lines: string[] = [];
  const log = createLogger('info', { write: (line) => lines.push(line) });
  const dir = await mkdtemp(join(tmpdir(), 'distillery-test-'));
  const api = await startApi({ redisUrl: held.redis.url, storeDir: dir, dataDir: dir, roots: [], log });
  const { id } = await submitted(held);
  const begun = await held.queue.attempts.begin(id, 'teacher', 'w');
  if ('skip' in begun) throw new Error(begun.skip);
  // No worker reports such progress, and the view's schema refuses it.
  await held.queue.attempts.progress(begun, { fraction: 2 } as StageProgress);
  const response = await fetch(`${api.url}/v1/jobs/${id}`, {
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
  await api.close();
  await rm(dir, { recursive: true });
});
