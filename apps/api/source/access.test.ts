import { planSchema } from '@distillery/spec';
import { pagePaths } from '@distillery/web/paths';
import { jobSpec, kinds } from '@distillery/training';
import type { JobView, Scope } from '@distillery/spec';
import { expect, test } from 'vitest';
import { accessOf } from './access.ts';
import { buildApp } from './app.ts';
import type { Services } from './services.ts';
import { privateApi, problem, spec } from './testing/api.ts';

const held = privateApi({ apiKeys: 'required', trustProxy: ['loopback'] });

let made = 0;
/** A key, and a function that sends requests with it. */
async function caller(scope: Scope, over: { name?: string; jobs?: number; rate?: number } = {}) {
  const { name = `${scope}-${++made}`, jobs = null, rate = null } = over;
  const { token, id } = await held.queue.apiKeys.create({ name, scope, jobs, rate });
  const authorization = `Bearer ${token}`;
  const send = (path: string, method = 'GET') => held.request(path, { method, headers: { authorization } });
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    held.post(path, body, { authorization, ...headers });
  const submit = async () => (await (await post('/v1/jobs', spec)).json()) as JobView;
  return { id, name, token, send, post, submit };
}

/** Every route of the app, read from Fastify's route tree. */
async function everyRoute(): Promise<{ method: string; path: string }[]> {
  const { queue, store } = held;
  const catalogue = { kinds, jobSpec, stageKinds: [], planSchema };
  const services = { queue, store, catalogue } as unknown as Services;
  const app = await buildApp({ ...services, access: accessOf({}, '0.0.0.0') });
  const above: string[] = [];
  const routes = app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const [, indent, part, methods] = /^([\s│]*)[├└]── (\S+) \((.*)\)$/.exec(line) ?? [];
      if (part === undefined) return [];
      const depth = indent.length / 4;
      above.splice(depth, above.length, part);
      return methods.split(', ').map((method) => ({ method, path: above.join('') }));
    });
  await app.close();
  return routes;
}

test('without a valid key every route answers 401, except the public ones', async () => {
  const routes = await everyRoute();
  expect(routes.length).toBeGreaterThan(35);
  const open: string[] = [];
  for (const { method, path } of routes) {
    // Signing in begins without a key; session.test.ts has what it answers.
    if (method === 'POST' && path === '/v1/session') continue;
    for (const headers of [undefined, { authorization: `Bearer dk_${'0'.repeat(12)}_${'A'.repeat(43)}` }]) {
      const response = await held.request(path.replaceAll(/:\w+/g, 'x'), {
        method,
        ...(headers && { headers }),
      });
      if (response.status < 400) open.push(`${method} ${path}`);
      else {
        expect([method, path, response.status]).toEqual([method, path, 401]);
        const failure = headers === undefined ? '' : ', error="invalid_token"';
        expect(response.headers.get('www-authenticate')).toBe(`Bearer realm="Distillery"${failure}`);
        if (method === 'HEAD') continue;
        const { code, detail } = await problem(response);
        expect(code).toBe('unauthorized');
        expect(detail).toContain('send one as the header "Authorization: Bearer dk_…"');
      }
    }
  }
  // A path whose last parameter may be absent is two in the tree.
  const dashboard = Object.values(pagePaths).flatMap((path) =>
    path.endsWith('?') ? [path.replace(/\/:\w+\?$/, ''), path.slice(0, -1)] : [path],
  );
  const pages = ['/openapi.json', '/docs', '/healthz', '/readyz', '/v1/session', '/', ...dashboard];
  const expected = pages.flatMap((page) => [`GET ${page}`, `HEAD ${page}`]);
  expect(new Set(open)).toEqual(new Set([...expected, 'DELETE /v1/session']));
  for (const [method, path] of [
    ['GET', '/v2/nothing'],
    ['PATCH', '/healthz'],
    ['PUT', '/v1/jobs'],
  ]) {
    expect((await held.request(path, { method })).status).toBe(401);
  }
});

test('a scope allows its routes, and only the admin controls the jobs of others', async () => {
  const [reader, one, two, admin] = [
    await caller('read'),
    await caller('submit'),
    await caller('submit'),
    await caller('admin'),
  ];
  const codeOf = async (response: Response) =>
    response.ok ? response.status : ((await response.json()) as { code: string }).code;

  expect(await codeOf(await reader.send('/v1/methods'))).toBe(200);
  for (const path of ['/v1/jobs', '/v1/jobs/validate']) {
    expect(await codeOf(await reader.post(path, spec))).toBe('forbidden');
  }
  const { id, owner } = await one.submit();
  expect(owner).toBe(one.name);
  expect(await codeOf(await reader.send(`/v1/jobs/${id}`))).toBe(200);
  for (const who of [reader, two]) {
    for (const order of ['cancel', 'pause', 'resume', 'retry']) {
      expect(await codeOf(await who.send(`/v1/jobs/${id}/${order}`, 'POST'))).toBe('forbidden');
    }
    expect(await codeOf(await who.send(`/v1/jobs/${id}`, 'DELETE'))).toBe('forbidden');
  }
  expect(await codeOf(await one.send(`/v1/jobs/${id}/cancel`, 'POST'))).toBe(200);
  // A new key with the same name replaces the old one.
  const successor = await caller('submit', { name: one.name });
  await held.queue.apiKeys.revoke(one.id);
  expect(await codeOf(await one.send('/v1/jobs'))).toBe('unauthorized');
  expect(await codeOf(await successor.send(`/v1/jobs/${id}/retry`, 'POST'))).toBe(200);
  expect(await codeOf(await admin.send(`/v1/jobs/${id}/cancel`, 'POST'))).toBe(200);
  expect(await codeOf(await two.send('/v1/jobs/job_x/cancel', 'POST'))).toBe('job_not_found');
  expect(await codeOf(await two.send('/v2/nothing'))).toBe('not_found');
  expect(await codeOf(await two.send('/v1/audit'))).toBe('forbidden');

  const own = async (name: string) => {
    const response = await reader.send(`/v1/jobs?owner=${name}`);
    return ((await response.json()) as { jobs: JobView[] }).jobs.map((job) => job.id);
  };
  expect([await own(one.name), await own(two.name)]).toEqual([[id], []]);
  expect(await codeOf(await one.send(`/v1/jobs/${id}`, 'DELETE'))).toBe('unauthorized');
  expect(await codeOf(await successor.send(`/v1/jobs/${id}`, 'DELETE'))).toBe(204);
  expect(await own(one.name)).toEqual([]);
});

test('requests per minute are limited by key, unauthenticated ones by address', async () => {
  const slow = await caller('read', { rate: 3 });
  for (let left = 2; left >= 0; left--) {
    const { status, headers } = await slow.send('/v1/jobs');
    expect([status, headers.get('x-ratelimit-limit'), headers.get('x-ratelimit-remaining')]).toEqual([
      200,
      '3',
      String(left),
    ]);
  }
  const over = await slow.send('/v1/jobs');
  expect(over.status).toBe(429);
  expect(Number(over.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await problem(over)).toMatchObject({ code: 'rate_limited' });

  const small = await held.start({ apiKeys: 'required', apiRate: 2 });
  try {
    for (let i = 0; i < 2; i++) await held.queue.requests.add('address:127.0.0.1');
    const guess = await fetch(`${small.url}/v1/jobs`, { headers: { authorization: 'Bearer dk_guess' } });
    expect((await problem(guess)).code).toBe('rate_limited');
    // A client with a key on the same address is not affected.
    const { token } = await caller('read');
    const good = await fetch(`${small.url}/v1/jobs`, { headers: { authorization: `bearer ${token}` } });
    expect(good.status).toBe(200);
  } finally {
    await small.close();
  }
});

test('the unfinished jobs of an owner are limited; replays do not count', async () => {
  const { post, send, name } = await caller('submit', { jobs: 2 });
  const key = { 'idempotency-key': 'mine' };
  const first = await Promise.all(Array.from({ length: 6 }, () => post('/v1/jobs', spec)));
  expect(first.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([202, 202, 429, 429, 429, 429]);
  const refused = first.find(({ status }) => status === 429);
  expect(await problem(refused as Response)).toMatchObject({
    code: 'quota_exceeded',
    detail: `${name} has 2 unfinished jobs and may have 2: wait until one has ended`,
  });
  const taken = first.find(({ status }) => status === 202) as Response;
  const { id } = (await taken.json()) as JobView;
  expect((await send(`/v1/jobs/${id}/cancel`, 'POST')).status).toBe(200);
  const once = await post('/v1/jobs', spec, key);
  const again = await post('/v1/jobs', spec, key);
  expect([once.status, again.status, again.headers.get('idempotency-replayed')]).toEqual([202, 202, 'true']);
  expect((await problem(await send(`/v1/jobs/${id}/retry`, 'POST'))).code).toBe('quota_exceeded');

  const other = await caller('submit');
  const theirs = await other.post('/v1/jobs', { ...spec, name: 'another body' }, key);
  expect([theirs.status, theirs.headers.get('idempotency-replayed')]).toEqual([202, null]);
});

test('the audit log has changes and refused requests, with their owners', async () => {
  const { submit, send, post, id: key, name: owner } = await caller('submit');
  const { send: ask } = await caller('admin');
  const { id: job } = await submit();
  await post('/v1/jobs/validate', spec);
  await send(`/v1/jobs/${job}/cancel`, 'POST');
  await send('/v1/audit');
  await held.request('/v1/jobs', {
    headers: { 'x-request-id': 'stranger', 'x-forwarded-for': '203.0.113.9' },
  });
  const who = { key, owner, address: '127.0.0.1' };
  const cancelled = { ...who, action: 'POST /v1/jobs/:id/cancel', job, status: 200, code: null };
  // An entry is written after the response.
  await expect
    .poll(async () => ((await (await ask('/v1/audit?limit=4')).json()) as { entries: unknown[] }).entries)
    .toMatchObject([
      {
        key: null,
        owner: null,
        action: 'GET /v1/jobs',
        status: 401,
        request: 'stranger',
        address: '203.0.113.9',
        count: 1,
      },
      { ...who, action: 'GET /v1/audit', job: null, status: 403, code: 'forbidden' },
      cancelled,
      { ...who, action: 'POST /v1/jobs', job, status: 202, code: null },
    ]);
  const page = (await (await ask('/v1/audit?limit=1')).json()) as { next: string };
  expect((await ask(`/v1/audit?after=${page.next}`)).status).toBe(200);
  expect((await problem(await ask('/v1/audit?after=x'))).code).toBe('malformed_request');
});

test('of many refused requests without a key, few have entries, with their number', async () => {
  const { send } = await caller('admin');
  for (let host = 1; host <= 40; host++) {
    const headers = { 'x-forwarded-for': `2001:db8:7:7::${host}`, 'x-request-id': `flood-${host}` };
    await held.request('/v1/jobs', { headers });
  }
  const entries = async () => {
    const page = await (await send('/v1/audit?limit=100')).json();
    const all = (page as { entries: { request: string; count: number }[] }).entries;
    return all.filter(({ request }) => request.startsWith('flood-'));
  };
  // Addresses of one /64 are counted together.
  const counts = [...Array.from({ length: 10 }, (_, index) => index + 1), 16, 32];
  await expect.poll(async () => (await entries()).map(({ count }) => count).reverse()).toEqual(counts);
});

test('keys may be off on loopback only', async () => {
  const keys = (apiKeys: 'required' | 'off' | undefined, host: string) => accessOf({ apiKeys }, host).keys;
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost']) {
    expect([keys(undefined, host), keys('required', host), keys('off', host)]).toEqual([
      'off',
      'required',
      'off',
    ]);
  }
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'fe80::1', 'localhost.example', '::ffff:10.0.0.1']) {
    expect(keys(undefined, host)).toBe('required');
    expect(() => keys('off', host)).toThrow(`API_KEYS=off on ${host} would admit every machine`);
  }
  expect(accessOf({ apiRate: 5 }, '::1')).toMatchObject({ keys: 'off', rate: 5, jobs: 100, priority: 0 });
  expect(accessOf({ apiJobs: 7 }, '::1')).toMatchObject({ keys: 'off', rate: 600, jobs: 7 });
});

test('a priority above that of its scope is refused, at submission and by validate', async () => {
  const [submitter, admin] = [await caller('submit'), await caller('admin')];
  for (const path of ['/v1/jobs', '/v1/jobs/validate']) {
    const refused = await submitter.post(path, { ...spec, priority: 1 });
    expect(refused.status).toBe(422);
    expect(await problem(refused)).toMatchObject({
      code: 'invalid_spec',
      errors: [{ path: '/priority', message: expect.stringContaining('at most 0'), value: 1 }],
    });
    expect((await submitter.post(path, { ...spec, priority: -1 })).ok).toBe(true);
    expect((await admin.post(path, { ...spec, priority: 10 })).ok).toBe(true);
  }
  expect(accessOf({ apiPriority: 3 }, '::1').priority).toBe(3);
});

test('while Redis is down no key can be checked, and the answer is 503', async () => {
  const { send } = await caller('admin');
  await held.redis.stop();
  const response = await send('/v1/methods');
  expect([response.status, (await problem(response)).code]).toEqual([503, 'redis_unavailable']);
  expect((await held.request('/v1/methods')).status).toBe(503);
  expect((await held.request('/healthz')).status).toBe(200);
});
