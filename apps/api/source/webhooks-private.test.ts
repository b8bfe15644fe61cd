import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CreatedWebhook, Delivery, WebhookView } from '@distillery/spec';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { privateApi, problem } from './testing/api.ts';

// The default: nothing but public addresses.
const held = privateApi({ apiKeys: 'required', apiWebhooks: 2 });
let requests = 0;
const receiver = createServer((_, response) => {
  requests++;
  response.end();
});
let port: number;
beforeAll(async () => {
  await new Promise<void>((listening) => receiver.listen(0, '127.0.0.1', listening));
  ({ port } = receiver.address() as AddressInfo);
});
afterAll(() => void receiver.close());

async function caller(name: string, scope: 'read' | 'submit' | 'admin') {
  const { token } = await held.queue.apiKeys.create({ name, scope, jobs: null, rate: null });
  return (path: string, method = 'GET', body?: object) =>
    held.request(path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
}

test('a name that leads to this machine is refused, also when it came to do so after its check', async () => {
  const ana = await caller('ana', 'submit');
  const bad = { url: `http://localhost:${port}/` };
  expect(await problem(await ana('/v1/webhooks', 'POST', bad))).toMatchObject({
    code: 'invalid_body',
    detail: expect.stringMatching(/^\/url: localhost \(.*127\.0\.0\.1.*\) is not a public address/),
  });
  // As if the name had led elsewhere then.
  const given = { url: bad.url, description: '', events: ['job' as const], jobs: 'all' as const };
  const { id } = await held.queue.webhooks.create(given, 'ana', undefined);
  const tested = (await (await ana(`/v1/webhooks/${id}/test`, 'POST')).json()) as Delivery;
  expect(tested).toMatchObject({ state: 'failed', attempts: [{ status: null }] });
  expect(tested.attempts[0].error).toContain('is not a public address');
  expect(requests).toBe(0);
  await ana(`/v1/webhooks/${id}`, 'DELETE');
});

test('only the owner and admins see and change webhooks, and owners have a bounded number', async () => {
  const [ana, ben, reader, admin] = [
    await caller('ana', 'submit'),
    await caller('ben', 'submit'),
    await caller('ana', 'read'),
    await caller('root', 'admin'),
  ];
  const body = { url: 'https://example.com/hook' };
  expect((await problem(await reader('/v1/webhooks', 'POST', body))).code).toBe('forbidden');
  const { id, owner } = (await (await ana('/v1/webhooks', 'POST', body)).json()) as CreatedWebhook;
  expect(owner).toBe('ana');
  const ids = async (who: typeof ana) =>
    ((await (await who('/v1/webhooks')).json()) as { webhooks: WebhookView[] }).webhooks.map((one) => one.id);
  expect([await ids(ana), await ids(reader), await ids(ben), await ids(admin)]).toEqual([
    [id],
    [id],
    [],
    [id],
  ]);
  const routes: [string, string, object?][] = [
    ['', 'GET'],
    ['', 'PATCH', { description: 'mine' }],
    ['/deliveries', 'GET'],
    ['/deliveries/1-1/redeliver', 'POST'],
    ['/secret', 'POST'],
    ['/test', 'POST'],
    ['', 'DELETE'],
  ];
  for (const [below, method, change] of routes) {
    const refused = await problem(await ben(`/v1/webhooks/${id}${below}`, method, change));
    expect([method, below, refused.code]).toEqual([method, below, 'webhook_not_found']);
    if (method === 'GET') continue;
    expect((await problem(await reader(`/v1/webhooks/${id}${below}`, method, change))).code).toBe(
      'forbidden',
    );
  }
  expect((await admin(`/v1/webhooks/${id}`, 'PATCH', { description: 'seen' })).status).toBe(200);
  expect((await ana('/v1/webhooks', 'POST', body)).status).toBe(201);
  expect(await problem(await ana('/v1/webhooks', 'POST', body))).toMatchObject({
    code: 'quota_exceeded',
    detail: 'ana has 2 webhooks and may have 2: remove one first',
  });
  expect((await ana(`/v1/webhooks/${id}`, 'DELETE')).status).toBe(204);
  expect((await ana('/v1/webhooks', 'POST', body)).status).toBe(201);
  expect((await problem(await ana(`/v1/webhooks/${id}`))).code).toBe('webhook_not_found');
});
