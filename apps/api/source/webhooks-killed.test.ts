import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { job, privateQueue } from '@distillery/queue/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';

const held = privateQueue();
const main = join(inject('built'), 'apps/api/source/main.js');
let folder: string;
const apis = new Set<ChildProcess>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-killed-'));
});
afterAll(async () => {
  for (const api of apis) api.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

/** Starts an API as a process of its own, which begins to deliver at once. */
function startApi(): ChildProcess {
  const api = spawn(process.execPath, [main], {
    env: {
      ...process.env,
      REDIS_URL: held.redis.url,
      REDIS_VOLATILE: 'allow',
      DISTILLERY_FOLDER: folder,
      PORT: '0',
      LOG_LEVEL: 'silent',
      WEBHOOK_NETWORKS: '127.0.0.1',
      WEBHOOK_TIMEOUT: '1',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  apis.add(api);
  return api;
}

test('APIs that are killed lose no event, and repeat only requests that were under way', {
  timeout: 120_000,
}, async () => {
  const received: string[] = [];
  let kill: ((arrived: number) => void) | undefined;
  const receiver = createServer((request, response) => {
    received.push(String(request.headers['webhook-id']));
    kill?.(received.length);
    setTimeout(() => response.writeHead(204).end(), 20);
  });
  await new Promise<void>((listening) => receiver.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  const given = { url, description: '', events: ['job' as const], jobs: 'all' as const };
  const { id } = await held.queue.webhooks.create(given, null, undefined);
  const jobs = [];
  for (let i = 0; i < 20; i++) jobs.push((await held.queue.jobs.create(job())).view.id);
  for (const one of jobs) await held.queue.control.cancel(one);

  // 60 events; a process dies at the 15th request, and the one after it at the 40th.
  for (const last of [15, 40]) {
    const api = startApi();
    const killed = new Promise<void>((done) => {
      kill = (arrived) => {
        if (arrived < last) return;
        api.kill('SIGKILL');
        done();
      };
    });
    await killed;
    kill = undefined;
    await once(api, 'exit');
  }
  const api = startApi();
  const delivered = async () =>
    (await held.queue.webhooks.deliveries.list(id, { state: 'delivered', limit: 100 })).deliveries.length;
  // The claim of the process that died ends first.
  await expect.poll(delivered, { timeout: 60_000 }).toBe(60);
  api.kill('SIGTERM');
  expect(await once(api, 'exit')).toEqual([0, null]);
  receiver.close();
  expect(new Set(received).size).toBe(60);
  // One request of a webhook is under way at a time.
  expect(received.length).toBeLessThanOrEqual(62);
});
