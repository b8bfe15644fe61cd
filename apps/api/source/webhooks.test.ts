import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type {
  CreatedWebhook,
  Delivery,
  JobView,
  NewWebhookInput,
  WebhookPayload,
  WebhookView,
} from '@distillery/spec';
import { webhookPayloadSchema } from '@distillery/spec';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { privateApi, problem, spec } from './testing/api.ts';
import { job, until } from '@distillery/queue/testing';
import { createLogger } from './logger.ts';
import { startWebhookSender } from './webhooks/sender.ts';
import { webhookRules } from './webhooks/settings.ts';

const settings = { webhookNetworks: ['127.0.0.1'], webhookTimeout: 1, webhookRetrySeconds: 0.05 };
const held = privateApi(settings);

interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}
let received: Received[];
let answer: (received: Received, response: ServerResponse, request: IncomingMessage) => void;
let receiver: ReturnType<typeof createServer>;
let url: string;

beforeEach(async () => {
  received = [];
  answer = (_, response) => response.writeHead(204).end();
  receiver = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => (body += part));
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      answer(received[received.length - 1], response, request);
    });
  });
  await new Promise<void>((listening) => receiver.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
});
afterEach(async () => {
  for (const { id } of await held.queue.webhooks.list(undefined))
    await held.queue.webhooks.remove(id, undefined);
  receiver.closeAllConnections();
  await new Promise((closed) => receiver.close(closed));
});

async function json<T>(response: Response | Promise<Response>, status = 200): Promise<T> {
  const got = await response;
  if (got.status !== status) throw new Error(`${got.status}: ${await got.text()}`);
  return (await got.json()) as T;
}
const create = (over: Partial<NewWebhookInput> = {}) =>
  json<CreatedWebhook>(held.post('/v1/webhooks', { url, events: ['job'], ...over }), 201);
const view = (id: string) => json<WebhookView>(held.request(`/v1/webhooks/${id}`));
const deliveries = async (id: string) =>
  (await json<{ deliveries: Delivery[] }>(held.request(`/v1/webhooks/${id}/deliveries?limit=100`)))
    .deliveries;
const submit = (over: object = {}) => json<JobView>(held.post('/v1/jobs', { ...spec, ...over }), 202);
const types = () => received.map(({ body }) => (JSON.parse(body) as WebhookPayload).type);
const arrived = (count: number) =>
  until(
    async () => received.length,
    (length) => length >= count,
  );
const ended = (id: string, count: number) =>
  until(
    async () => (await deliveries(id)).filter(({ state }) => state !== 'waiting').length,
    (length) => length >= count,
  );

test('the states of a job arrive in their order, signed, with the event and its job', async () => {
  const { id, secret, ...created } = await create();
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(created).toMatchObject({ url, jobs: 'all', enabled: true, owner: null, waiting: 0 });
  const job = await submit();
  await held.post(`/v1/jobs/${job.id}/cancel`, {});
  await arrived(3);
  expect(types()).toEqual(['job.queued', 'job.cancelling', 'job.cancelled']);
  for (const { headers, body } of received) {
    const payload = new Webhook(secret).verify(body, headers as Record<string, string>) as WebhookPayload;
    expect(webhookPayloadSchema.safeParse(payload).error).toBeUndefined();
    expect(payload.data.job).toMatchObject({ id: job.id, name: 'First Try!', labels: { team: 'blue' } });
    expect(payload.data.event).toMatchObject({ id: headers['webhook-id'], job: job.id });
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': expect.stringMatching(/^Distillery\//),
    });
  }
  await ended(id, 3);
  expect(await view(id)).toMatchObject({
    failingSince: null,
    lastDeliveredAt: expect.any(String),
    waiting: 0,
  });
  expect(JSON.stringify([await view(id), await deliveries(id)])).not.toContain(secret);
});

test('a webhook that jobs name is told of these; its secret is in no spec and no view', async () => {
  const { id, secret } = await create({
    jobs: 'named',
    events: ['job.queued'],
    secret: `whsec_${'A'.repeat(32)}`,
  });
  await submit();
  const named = await submit({ webhooks: [id] });
  await arrived(1);
  expect((JSON.parse(received[0].body) as WebhookPayload).data.job.id).toBe(named.id);
  expect(received).toHaveLength(1);
  const shown = await (await held.request(`/v1/jobs/${named.id}/spec`)).text();
  expect(shown).toContain(id);
  expect(shown).not.toContain(secret);
  const unknown = await problem(
    await held.post('/v1/jobs', { ...spec, webhooks: [id, `wh_${'0'.repeat(24)}`] }),
  );
  expect(unknown).toMatchObject({ code: 'invalid_spec', errors: [{ path: '/webhooks/1' }] });
});

test.each([
  ['an error', (response: ServerResponse) => response.writeHead(500).end(), 500, 'the receiver answered 500'],
  [
    'a redirect',
    (response: ServerResponse) => response.writeHead(302, { location: url }).end(),
    302,
    'redirects are not followed',
  ],
  ['silence', () => {}, null, 'no response within 1 s'],
  ['a cut', (response: ServerResponse) => response.socket?.destroy(), null, 'socket hang up'],
])('after %s the same event comes again, signed anew', async (_, fail, status, error) => {
  answer = (_received, response) => (received.length < 3 ? fail(response) : response.writeHead(200).end());
  const { id, secret } = await create({ events: ['job.queued'] });
  await submit();
  await arrived(3);
  await ended(id, 1);
  const [{ attempts, state }] = await deliveries(id);
  expect([state, attempts.length]).toEqual(['delivered', 3]);
  expect(attempts[0]).toMatchObject({ status });
  expect(attempts[0].error).toMatch(error === 'socket hang up' ? /hang up|closed/ : error);
  expect(attempts[2]).toMatchObject({ status: 200, error: null });
  expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  for (const { headers, body } of received)
    new Webhook(secret).verify(body, headers as Record<string, string>);
});

test('an event waits for a receiver that is away, and a long response is cut', async () => {
  const { port } = new URL(url);
  await new Promise((closed) => receiver.close(closed));
  const { id } = await create({ events: ['job.queued'] });
  await submit();
  await until(
    async () => (await deliveries(id))[0]?.attempts.length ?? 0,
    (count) => count > 0,
  );
  expect((await deliveries(id))[0]).toMatchObject({
    state: 'waiting',
    attempts: [{ status: null, error: 'the connection was refused (ECONNREFUSED)' }],
  });
  expect((await view(id)).failingSince).not.toBeNull();
  answer = (_, response) => {
    response.writeHead(200);
    const more = () => {
      if (!response.destroyed) response.write(Buffer.alloc(16_384), () => setImmediate(more));
    };
    more();
  };
  await new Promise<void>((listening) => receiver.listen(Number(port), '127.0.0.1', listening));
  await ended(id, 1);
  expect((await deliveries(id))[0].state).toBe('delivered');
});

test('410 disables the webhook, which says so; enabled again, it can send an event once more', async () => {
  answer = (_, response) => response.writeHead(410).end();
  const { id } = await create({ events: ['job.queued'] });
  await submit();
  await until(
    () => view(id),
    ({ enabled }) => !enabled,
  );
  expect(await view(id)).toMatchObject({ disabledReason: expect.stringContaining('410'), waiting: 0 });
  const [{ id: delivery, state }] = await deliveries(id);
  expect(state).toBe('failed');
  const again = `/v1/webhooks/${id}/deliveries/${delivery}/redeliver`;
  expect(await problem(await held.post(again, {}))).toMatchObject({ code: 'state_conflict' });
  answer = (_, response) => response.writeHead(200).end();
  const change = {
    method: 'PATCH',
    body: '{"enabled":true}',
    headers: { 'content-type': 'application/json' },
  };
  expect(await json(held.request(`/v1/webhooks/${id}`, change))).toMatchObject({
    enabled: true,
    disabledAt: null,
    disabledReason: null,
  });
  await json(held.post(again, {}), 202);
  await until(
    async () => (await deliveries(id))[0].state,
    (now) => now === 'delivered',
  );
  expect(received.map(({ headers }) => headers['webhook-id'])).toEqual([delivery, delivery]);
  expect(await problem(await held.post(`/v1/webhooks/${id}/deliveries/1-1/redeliver`, {}))).toMatchObject({
    code: 'delivery_not_found',
  });
});

test('a test is sent at once and answers how it went; a new secret signs beside the old one', async () => {
  const { id, secret } = await create();
  const fresh = await json<{ secret: string }>(held.post(`/v1/webhooks/${id}/secret`, {}));
  const tested = await json<Delivery>(held.post(`/v1/webhooks/${id}/test`, {}));
  expect(tested).toMatchObject({ type: 'test', job: null, state: 'delivered', attempts: [{ status: 204 }] });
  const [{ headers, body }] = received;
  for (const one of [secret, fresh.secret]) {
    expect(new Webhook(one).verify(body, headers as Record<string, string>)).toMatchObject({
      type: 'test',
      data: { webhook: id },
    });
  }
  answer = (_, response) => response.writeHead(404).end();
  expect(await json(held.post(`/v1/webhooks/${id}/test`, {}))).toMatchObject({
    state: 'failed',
    attempts: [{ status: 404, error: 'the receiver answered 404' }],
  });
  expect(await deliveries(id)).toHaveLength(2);
});

test('several APIs deliver each event once, also when one of them stops in the middle', async () => {
  const others = await Promise.all([held.start(), held.start()]);
  answer = (_, response) => void setTimeout(() => response.writeHead(200).end(), 30);
  const { id } = await create({ events: ['job'] });
  const jobs = [];
  for (let i = 0; i < 10; i++) {
    jobs.push(await submit());
    if (i === 5) await others[0].close();
  }
  for (const job of jobs) await held.post(`/v1/jobs/${job.id}/cancel`, {});
  await others[1].close();
  await ended(id, 30);
  const found = received.map(({ headers }) => headers['webhook-id']);
  expect(found).toHaveLength(30);
  expect(new Set(found).size).toBe(30);
});

test('an API that closes lets a request end, and the next one goes on', async () => {
  await held.api.close();
  try {
    const first = await held.start();
    answer = (_, response) => void setTimeout(() => response.writeHead(200).end(), 300);
    const post = (api: { url: string }, path: string, body: object) =>
      fetch(api.url + path, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      });
    const { id } = await json<CreatedWebhook>(post(first, '/v1/webhooks', { url, events: ['job'] }), 201);
    const job = await json<JobView>(post(first, '/v1/jobs', spec), 202);
    await json(post(first, `/v1/jobs/${job.id}/cancel`, {}));
    await arrived(1);
    await first.close();
    const list = () => held.queue.webhooks.deliveries.list(id, { limit: 10 });
    const states = async () => (await list()).deliveries.map(({ state }) => state).reverse();
    expect((await states())[0]).toBe('delivered');
    const second = await held.start();
    await until(states, (all) => all.length === 3 && all.every((state) => state === 'delivered'));
    expect(types()).toEqual(['job.queued', 'job.cancelling', 'job.cancelled']);
    await second.close();
  } finally {
    held.api = await held.start();
  }
});

test('a request that does not end while the API closes is broken off, and made again by the next one', async () => {
  await held.api.close();
  try {
    const rules = { ...webhookRules(settings, '0.0.0'), timeoutMs: 60_000, graceMs: 50 };
    const sender = startWebhookSender(held.queue, createLogger('silent'), rules);
    const given = { url, description: '', events: ['job' as const], jobs: 'all' as const };
    const { id } = await held.queue.webhooks.create(given, null, undefined);
    answer = () => {};
    await held.queue.jobs.create(job());
    await arrived(1);
    await sender.close();
    const list = async () => (await held.queue.webhooks.deliveries.list(id, { limit: 10 })).deliveries;
    expect(await list()).toMatchObject([{ state: 'waiting', attempts: [] }]);
    answer = (_, response) => response.writeHead(200).end();
    const next = startWebhookSender(held.queue, createLogger('silent'), rules);
    await until(list, ([{ state }]) => state === 'delivered');
    await next.close();
    expect(received[1].headers['webhook-id']).toBe(received[0].headers['webhook-id']);
  } finally {
    held.api = await held.start();
  }
});

test('a webhook that has failed for too long is disabled, and a delivery is given up after its time', async () => {
  answer = (_, response) => response.writeHead(500).end();
  const quick = { webhookRetrySeconds: 0.01, webhookRetryHours: 0.2 / 3600 };
  await held.api.close();
  const log = createLogger('silent');
  const given = { url, description: '', events: ['job.queued' as const], jobs: 'all' as const };
  const { id } = await held.queue.webhooks.create(given, null, undefined);
  const sender = startWebhookSender(held.queue, log, webhookRules({ ...settings, ...quick }, '0'));
  try {
    await held.queue.jobs.create(job());
    const list = async () => (await held.queue.webhooks.deliveries.list(id, { limit: 10 })).deliveries;
    const abandoned = await until(list, ([one]) => one?.state === 'failed');
    expect(abandoned[0].attempts.length).toBeGreaterThan(1);
    expect(await held.queue.webhooks.get(id, null)).toMatchObject({ enabled: true });
  } finally {
    await sender.close();
  }
  const stricter = webhookRules({ ...settings, webhookDisableDays: 1e-9 }, '0');
  const second = startWebhookSender(held.queue, log, stricter);
  try {
    await held.queue.jobs.create(job());
    await until(
      () => held.queue.webhooks.get(id, null),
      ({ enabled }) => !enabled,
    );
    expect((await held.queue.webhooks.get(id, null)).disabledReason).toMatch(
      /^every attempt has failed since 20.*, the last one: the receiver answered 500$/,
    );
  } finally {
    await second.close();
    held.api = await held.start();
  }
});

test.each([
  ['http://10.0.0.1/'],
  ['http://127.0.0.2/'],
  ['http://2130706434/'],
  ['http://0x7f.0.0.2/'],
  ['http://[::1]/'],
  ['http://[::ffff:10.0.0.1]/'],
  ['http://169.254.169.254/latest/meta-data'],
  ['https://[fe80::1]/'],
])('%s is refused, when it is created and when it is changed', async (bad) => {
  const refused = await held.post('/v1/webhooks', { url: bad });
  expect(await problem(refused)).toMatchObject({
    code: 'invalid_body',
    detail: expect.stringContaining('not a public address; the setting WEBHOOK_NETWORKS can allow it'),
    errors: [{ path: '/url', value: bad }],
  });
  const { id } = await create();
  const change = {
    method: 'PATCH',
    body: JSON.stringify({ url: bad }),
    headers: { 'content-type': 'application/json' },
  };
  expect(await problem(await held.request(`/v1/webhooks/${id}`, change))).toMatchObject({
    code: 'invalid_body',
  });
  expect((await view(id)).url).toBe(url);
});

test.each([
  [{ url: 'ftp://example.com/' }, '/url'],
  [{ url: 'https://user:secret@example.com/' }, '/url'],
  [{ url: 'example.com' }, '/url'],
  [{ url: 'https://example.com/', events: ['nothing'] }, '/events/0'],
  [{ url: 'https://example.com/', events: [] }, '/events'],
  [{ url: 'https://example.com/', secret: 'whsec_c2hvcnQ=' }, '/secret'],
  [{ url: 'https://example.com/', secret: 'hunter2' }, '/secret'],
  [{ url: 'https://example.com/', more: 1 }, '/more'],
])('%j is refused with its field', async (body, path) => {
  const refused = await problem(await held.post('/v1/webhooks', body));
  expect(refused).toMatchObject({ code: 'invalid_body', errors: [{ path }] });
});
