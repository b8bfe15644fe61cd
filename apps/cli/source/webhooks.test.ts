import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { privateApi } from '@distillery/api/testing';
import { engine } from '@distillery/queue/testing';
import type { WebhookView } from '@distillery/spec';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { deliveriesTable, webhooksTable } from './webhooks-table.ts';

const held = privateApi({ webhookNetworks: ['127.0.0.1'] });
let answer = (response: ServerResponse) => void response.writeHead(204).end();
const receiver = createServer((_, response) => answer(response));
let url: string;
beforeAll(async () => {
  await new Promise<void>((listening) => receiver.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
});
afterAll(() => void receiver.close());

const main = join(inject('built'), 'apps/cli/source/main.js');

async function distill(...args: string[]) {
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, DISTILLERY_URL: held.api.url, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code: code as number, stdout, stderr };
}

test('webhooks are added, tested, listed and removed', { timeout: 60_000 }, async () => {
  expect((await distill('webhooks')).stdout).toBe('  No webhook yet; to add one: distill webhooks add URL\n');
  const added = await distill(
    'webhooks',
    'add',
    url,
    '--event',
    'job.failed',
    '--event',
    'report',
    '--named',
  );
  const [, id, secret] = /(wh_\w+)\n +(whsec_\S+)/.exec(added.stdout) ?? [];
  expect(added).toMatchObject({ code: 0, stdout: expect.stringContaining(`"webhooks": ["${id}"]`) });
  expect((await held.queue.webhooks.target(id, null)).secrets).toEqual([secret]);

  expect(await distill('webhooks', 'test', id)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^ {2}delivered: 204 in \d+ ms\n$/),
  });
  answer = (response) => void response.writeHead(500).end();
  expect(await distill('webhooks', 'test', id)).toMatchObject({
    code: 1,
    stdout: '  failed: the receiver answered 500\n',
  });
  const list = JSON.parse((await distill('webhooks', '--json')).stdout) as WebhookView[];
  expect(list).toMatchObject([{ id, url, events: ['job.failed', 'report'], jobs: 'named' }]);
  const sent = (await distill('webhooks', 'deliveries', id)).stdout;
  expect(sent.match(/delivered|failed/g)).toEqual(['failed', 'delivered']);

  const [, delivery] = /(\d+-test-\w+)/.exec(sent) ?? [];
  answer = (response) => void response.writeHead(204).end();
  expect((await distill('webhooks', 'redeliver', id, delivery)).stdout).toContain('is sent again');
  expect((await distill('webhooks', 'disable', id)).stdout).toBe(`  ${id} is disabled\n`);
  expect((await distill('webhooks', 'enable', id)).stdout).toBe(`  ${id} is enabled\n`);
  expect((await distill('webhooks', 'secret', id)).stdout).toMatch(/^ {2}whsec_\S+\n/);
  expect((await distill('webhooks', 'remove', id)).stdout).toBe(`  ${id} is removed\n`);
  expect(await distill('webhooks', 'remove', id)).toMatchObject({
    code: 3,
    stderr: expect.stringContaining(`there is no webhook`),
  });
  expect(await distill('webhooks', 'add', url, '--event', 'jobs')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--event is "jobs", it must be one of job, job.queued'),
  });
});

test('workers are listed with what they run, and what waits', async () => {
  expect((await distill('workers')).stdout).toBe(
    '  No worker is running; "distill up" runs one beside the API.\n\n  0 stages run, 0 stages wait; jobs: 0 running, 0 queued\n',
  );
  const worker = await held.queue.workers.register({ id: 'w1', host: 'here', version: '0.1.0', engine });
  const { stdout } = await distill('workers');
  expect(stdout.replaceAll(/ +/g, ' ')).toMatch(/\n w1 cpu 1 2 – 0 of 1 just now\n/);
  await worker.stop();
});

test('the tables tell what is wrong, and what to do', () => {
  const webhook: WebhookView = {
    id: 'wh_1',
    owner: null,
    url: 'https://ci.example.com/hook',
    description: '',
    events: ['job'],
    jobs: 'all',
    enabled: false,
    disabledAt: '2026-01-31T10:00:00.000Z',
    disabledReason: 'the receiver answered 410: it wants no more events',
    failingSince: '2026-01-31T10:00:00.000Z',
    lastDeliveredAt: null,
    waiting: 3,
    createdAt: '2026-01-31T09:00:00.000Z',
  };
  expect(webhooksTable([webhook])).toContain(
    'wh_1: the receiver answered 410: it wants no more events\n    to go on: distill webhooks enable wh_1',
  );
  const failing = { ...webhook, enabled: true, disabledAt: null, disabledReason: null };
  expect(webhooksTable([failing])).toMatch(
    /wh_1: every attempt has failed since 2026-01-31 .*\n {4}to see why: distill webhooks deliveries wh_1$/,
  );
  const waiting = {
    id: '1-1',
    type: 'job.failed' as const,
    job: 'job_1',
    state: 'waiting' as const,
    createdAt: webhook.createdAt,
    nextAttemptAt: '2026-01-31T12:00:00.000Z',
    attempts: [],
  };
  expect(deliveriesTable([waiting])).toMatch(/1-1 +job\.failed +job_1 +waiting +0 +– +2026-01-31/);
});
