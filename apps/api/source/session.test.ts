import type { ApiKeyView, CreatedApiKey, SessionView, WorkersView } from '@distillery/spec';
import { engine } from '@distillery/queue/testing';
import { beforeAll, expect, test } from 'vitest';
import { privateApi, problem, spec, submitted } from './testing/api.ts';

const open = privateApi();
const held = privateApi({ apiKeys: 'required', apiRate: 100_000 });
const ownPage = { 'sec-fetch-site': 'same-origin' };

let admin: CreatedApiKey;
let reader: CreatedApiKey;
beforeAll(async () => {
  const key = { jobs: null, rate: null };
  admin = await held.queue.apiKeys.create({ name: 'ada', scope: 'admin', ...key });
  reader = await held.queue.apiKeys.create({ name: 'rita', scope: 'read', ...key });
});

/** Signs in. @returns the cookie, as a browser sends it back */
async function signIn(token: string): Promise<string> {
  const response = await held.post('/v1/session', { key: token }, ownPage);
  expect(response.status).toBe(200);
  const cookie = response.headers.get('set-cookie') ?? '';
  expect(cookie).toMatch(
    /^distillery_session=[\w-]{43}; Path=\/; Max-Age=604800; HttpOnly; SameSite=Strict$/,
  );
  return cookie.split(';')[0];
}
const sessionOf = async (headers: Record<string, string> = {}) =>
  (await (await held.request('/v1/session', { headers })).json()) as SessionView;

test('a session stands for its key, until it is ended', async () => {
  expect(await sessionOf()).toEqual({ keys: 'required', caller: null });
  const cookie = await signIn(reader.token);
  expect(await sessionOf({ cookie })).toEqual({
    keys: 'required',
    caller: { id: reader.id, name: 'rita', scope: 'read', project: null },
  });
  expect((await held.request('/v1/jobs', { headers: { cookie } })).status).toBe(200);
  const refused = await held.post('/v1/jobs', spec, { cookie, ...ownPage });
  expect((await problem(refused)).code).toBe('forbidden');

  const ended = await held.request('/v1/session', { method: 'DELETE', headers: { cookie, ...ownPage } });
  expect([ended.status, ended.headers.get('set-cookie')]).toEqual([
    204,
    'distillery_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict',
  ]);
  expect((await sessionOf({ cookie })).caller).toBeNull();
  const after = await held.request('/v1/jobs', { headers: { cookie } });
  expect(await problem(after)).toMatchObject({
    code: 'unauthorized',
    detail: expect.stringContaining('the session has ended'),
  });
});

test('a wrong key gives no session, and neither does one that was revoked', async () => {
  const wrong = await held.post('/v1/session', { key: 'dk_000000000000_nothing' }, ownPage);
  expect([wrong.headers.get('set-cookie'), (await problem(wrong)).code]).toEqual([null, 'unauthorized']);
  const other = await held.queue.apiKeys.create({ name: 'otto', scope: 'submit', jobs: null, rate: null });
  const cookie = await signIn(other.token);
  await held.queue.apiKeys.revoke(other.id);
  expect((await sessionOf({ cookie })).caller).toBeNull();
  expect((await held.request('/v1/jobs', { headers: { cookie } })).status).toBe(401);
});

test('a change by session needs a page of this service, and signing in and out do too', async () => {
  const cookie = await signIn(admin.token);
  const from = (headers: Record<string, string>) => held.post('/v1/jobs', spec, { cookie, ...headers });
  const url = held.api.url;
  for (const headers of [{}, { 'sec-fetch-site': 'cross-site' }, { origin: 'https://elsewhere.test' }]) {
    expect((await problem(await from(headers as Record<string, string>))).code).toBe('cross_site');
  }
  expect((await from(ownPage)).status).toBe(202);
  expect((await from({ origin: url })).status).toBe(202);
  const foreign = { 'sec-fetch-site': 'cross-site', origin: 'https://elsewhere.test' };
  expect((await problem(await held.post('/v1/session', { key: admin.token }, foreign))).code).toBe(
    'cross_site',
  );
  const ending = await held.request('/v1/session', { method: 'DELETE', headers: { cookie, ...foreign } });
  expect((await problem(ending)).code).toBe('cross_site');
});

test('over HTTPS the cookie is never sent without it', async () => {
  const proxied = await held.start({ trustProxy: ['127.0.0.1'] });
  try {
    const response = await fetch(`${proxied.url}/v1/session`, {
      method: 'POST',
      body: JSON.stringify({ key: admin.token }),
      headers: { 'content-type': 'application/json', 'x-forwarded-proto': 'https' },
    });
    expect(response.headers.get('set-cookie')).toMatch(/; SameSite=Strict; Secure$/);
  } finally {
    await proxied.close();
  }
});

test('without keys everybody is welcome, and there is no session', async () => {
  expect(await (await open.request('/v1/session')).json()).toEqual({ keys: 'off', caller: null });
  const response = await open.post('/v1/session', { key: 'anything' });
  expect([response.status, response.headers.get('set-cookie')]).toEqual([200, null]);
});

test('an administrator makes, lists and revokes keys; the secret is told once', async () => {
  const authorization = `Bearer ${admin.token}`;
  const created = await held.post('/v1/keys', { name: 'nightly', jobs: 3 }, { authorization });
  expect([created.status, created.headers.get('cache-control')]).toEqual([201, 'no-store']);
  const key = (await created.json()) as CreatedApiKey;
  expect(key).toMatchObject({ name: 'nightly', scope: 'submit', jobs: 3, rate: null, revokedAt: null });
  expect((await held.queue.apiKeys.verify(key.token))?.id).toBe(key.id);

  const list = async () => {
    const response = await held.request('/v1/keys', { headers: { authorization } });
    const text = await response.text();
    expect(text).not.toContain(key.token.slice(-20));
    return (JSON.parse(text) as { keys: ApiKeyView[] }).keys.find(({ id }) => id === key.id);
  };
  expect(await list()).toMatchObject({ revokedAt: null, jobs: 3 });
  const revoke = (id: string) =>
    held.request(`/v1/keys/${id}`, { method: 'DELETE', headers: { authorization } });
  expect((await revoke(key.id)).status).toBe(204);
  expect(await list()).toMatchObject({ revokedAt: expect.any(String) });
  expect((await problem(await revoke('nothing'))).code).toBe('key_not_found');
  expect((await problem(await held.post('/v1/keys', { name: 'no spaces!' }, { authorization }))).code).toBe(
    'invalid_body',
  );
  for (const path of ['/v1/keys']) {
    const refused = await held.request(path, { headers: { authorization: `Bearer ${reader.token}` } });
    expect((await problem(refused)).code).toBe('forbidden');
  }
});

test('lists the workers with what they run, and counts what waits', async () => {
  const { id } = await submitted(open, { name: 'busy' });
  const waiting = await submitted(open, { name: 'waits' });
  const worker = { id: 'node-a-1', host: 'node-a', version: '1', engine, trainers: 2, memoryBytes: 8e9 };
  const registration = await open.queue.workers.register(worker);
  try {
    const begun = await open.queue.attempts.begin(id, 'teacher', 'node-a-1');
    if ('skip' in begun) throw new Error(begun.skip);
    const view = (await (await open.request('/v1/workers')).json()) as WorkersView;
    expect(view.workers).toEqual([
      {
        ...worker,
        capabilities: expect.arrayContaining(['cpu']),
        startedAt: expect.any(String),
        seenAt: expect.any(String),
        stages: [
          {
            job: id,
            jobName: 'busy',
            stage: 'teacher',
            attempt: 1,
            startedAt: expect.any(String),
            progress: null,
          },
        ],
      },
    ]);
    expect(view.queue).toMatchObject({ ready: 1, running: 1, jobs: { running: 1, queued: 1, failed: 0 } });
  } finally {
    await registration.stop();
    await open.queue.control.cancel(waiting.id);
  }
});

test('the settings bound how long a session lasts, and how long it lasts without a request', async () => {
  const short = await held.start({ sessionDays: 1, sessionIdleHours: 0.6 / 3600 });
  const sign = () =>
    fetch(`${short.url}/v1/session`, {
      method: 'POST',
      body: JSON.stringify({ key: reader.token }),
      headers: { 'content-type': 'application/json', ...ownPage },
    });
  try {
    const cookie = (await sign()).headers.get('set-cookie') ?? '';
    expect(cookie).toContain('; Max-Age=86400;');
    const caller = async () => {
      const response = await fetch(`${short.url}/v1/session`, { headers: { cookie: cookie.split(';')[0] } });
      return ((await response.json()) as SessionView).caller;
    };
    await expect.poll(caller, { timeout: 10_000 }).toBeNull();
  } finally {
    await short.close();
  }
});
