import { createClient } from '@distillery/client';
import type { Scope } from '@distillery/spec';
import { beforeAll, expect, test } from 'vitest';
import { privateApi, problem, spec } from './testing/api.ts';
import { teacherResult } from '@distillery/training/testing';

const held = privateApi({ apiKeys: 'required', apiRate: 1e9, webhookNetworks: ['127.0.0.0/8'] });

async function key(name: string, project: string | null, scope: Scope = 'submit') {
  const { token } = await held.queue.apiKeys.create({ name, project, scope, jobs: null, rate: null });
  return { token, client: createClient(held.api.url, { token }) };
}

interface Operation {
  method: string;
  path: string;
  body: unknown;
}
let operations: Operation[];
let ours: Awaited<ReturnType<typeof key>>;
let theirs: Awaited<ReturnType<typeof key>>;
/** What belongs to the project "zebra", by the name of the parameter that names it in paths. */
let belongings: Record<string, string>;

const rows = new Blob(['a,b,label\n1,2,x\n2,1,y\n3,2,x\n1,3,y\n2,2,x\n3,3,y\n']);

beforeAll(async () => {
  await held.queue.projects.create('zebra');
  await held.queue.projects.create('audio');
  ours = await key('ana', 'zebra');
  theirs = await key('ana', 'audio');
  const { client } = ours;
  const job = await client.jobs.create({ ...spec, name: 'secret job' });
  const data = await client.datasets.add(rows, {}, { name: 'secret.csv' });
  const upload = await client.uploads.list();
  const hook = await client.webhooks.create({ url: 'http://127.0.0.1:9/secret', events: ['job.succeeded'] });
  belongings = {
    id: job.id,
    dataset: data.id,
    upload: upload[0]?.id ?? '',
    webhook: hook.id,
    delivery: 'delivery',
    stage: 'teacher',
    name: 'soft',
    project: 'zebra',
  };
  const page = (await (await held.request('/openapi.json')).json()) as {
    paths: Record<
      string,
      Record<string, { requestBody?: { content: Record<string, { example?: unknown }> } }>
    >;
  };
  operations = Object.entries(page.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, { requestBody }]) => ({
      method: method.toUpperCase(),
      path,
      body:
        Object.values(requestBody?.content ?? {})[0]?.example ?? (requestBody === undefined ? undefined : {}),
    })),
  );
});

test('no route tells a key of another project of what is not its own', { timeout: 120_000 }, async () => {
  expect(operations.length).toBeGreaterThan(60);
  const secrets = [
    belongings.id,
    belongings.dataset,
    belongings.upload,
    belongings.webhook,
    'secret',
    'zebra',
  ];
  const told: string[] = [];
  for (const { method, path, body } of operations) {
    // In this one the parameter is the name of a new file.
    if (method === 'PUT' && path === '/v1/uploads/{upload}') continue;
    const named = [...path.matchAll(/{(\w+)}/g)].map(([, name]) => belongings[name]);
    const address = path.replaceAll(/{(\w+)}/g, (_, name: string) => belongings[name] ?? 'x');
    const stream = new AbortController();
    const response = await held.request(address, {
      method,
      signal: stream.signal,
      headers: {
        authorization: `Bearer ${theirs.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const what = `${method} ${path} → ${response.status}`;
    if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
      stream.abort();
      if (named.some((one) => one !== undefined)) told.push(what);
      continue;
    }
    const text = await response.text();
    const isAboutIt = named.some((one) => one !== undefined && secrets.includes(one));
    if (isAboutIt) {
      // Not there, not for this key, or refused before it is looked for.
      if (response.status < 400) told.push(what);
    } else if (secrets.some((secret) => secret !== '' && text.includes(secret))) told.push(what);
  }
  expect(told).toEqual([]);
  // Nothing was changed either.
  const { client } = ours;
  expect(await client.jobs.get(belongings.id)).toMatchObject({ name: 'secret job', state: 'queued' });
  expect(await client.datasets.list()).toHaveLength(1);
  expect(await client.webhooks.list()).toHaveLength(1);
});

test('what is not seen is answered as what does not exist', async () => {
  const send = (path: string, method = 'GET') =>
    held.request(path, { method, headers: { authorization: `Bearer ${theirs.token}` } });
  for (const [path, method, code] of [
    [`/v1/jobs/${belongings.id}`, 'GET', 'job_not_found'],
    [`/v1/jobs/${belongings.id}/metrics`, 'GET', 'job_not_found'],
    [`/v1/jobs/${belongings.id}/events`, 'GET', 'job_not_found'],
    [`/v1/jobs/${belongings.id}/cancel`, 'POST', 'job_not_found'],
    [`/v1/jobs/${belongings.id}`, 'DELETE', 'job_not_found'],
    [`/v1/datasets/${belongings.dataset}`, 'GET', 'dataset_not_found'],
    [`/v1/webhooks/${belongings.webhook}`, 'GET', 'webhook_not_found'],
    ['/v1/projects/zebra', 'GET', 'project_not_found'],
  ]) {
    const response = await send(path, method);
    expect([path, response.status, (await problem(response)).code]).toEqual([path, 404, code]);
  }
});

test('members of a project, administrators and keys without a project see its jobs', async () => {
  const member = await key('bob', 'zebra', 'read');
  const admin = await key('root', null, 'admin');
  const outside = await key('old', null, 'read');
  for (const { client } of [ours, member, admin, outside]) {
    expect(await client.jobs.get(belongings.id)).toMatchObject({ owner: 'zebra/ana' });
    const { jobs } = await client.jobs.list().page();
    expect(jobs.map(({ id }) => id)).toContain(belongings.id);
  }
  const { jobs } = await theirs.client.jobs.list().page();
  expect(jobs).toEqual([]);
  expect((await theirs.client.workers()).queue).toMatchObject({ ready: 0, jobs: { queued: 0 } });
  expect((await ours.client.workers()).queue.jobs.queued).toBe(1);
  expect((await theirs.client.projects.list()).map(({ name }) => name)).toEqual(['audio']);
});

test('events of all jobs are those of the project', async () => {
  const stop = new AbortController();
  const seen: (string | null)[] = [];
  const reading = (async () => {
    for await (const event of theirs.client.events({ signal: stop.signal })) {
      if (event.type === 'reset') continue;
      seen.push(event.job);
      return;
    }
  })();
  await new Promise((done) => setTimeout(done, 300));
  await ours.client.jobs.create({ ...spec, name: 'another secret' });
  const { id } = await theirs.client.jobs.create({ ...spec, name: 'own' });
  await reading;
  stop.abort();
  expect(seen).toEqual([id]);
});

test('a project has at most its unfinished jobs and hours, and is told which quota is used up', async () => {
  await held.queue.projects.create('small', { jobs: 1 });
  const [one, two] = [await key('one', 'small'), await key('two', 'small')];
  const { id } = await one.client.jobs.create({ ...spec, baseline: false, seeds: [42] });
  await expect(two.client.jobs.create(spec)).rejects.toMatchObject({
    code: 'quota_exceeded',
    message: expect.stringMatching(/quota "jobs" of the project small is used up: it has 1 of 1/),
  });
  const begun = await held.queue.attempts.begin(id, 'teacher', 'w');
  if ('skip' in begun) throw new Error(begun.skip);
  await new Promise((done) => setTimeout(done, 100));
  await held.queue.attempts.succeed(begun, teacherResult());
  const { used } = await one.client.projects.get('small');
  expect(used.jobs).toBe(1);
  expect(used.hours).toBeGreaterThan(0.09 / 3600);
  const admin = await key('root', null, 'admin');
  await admin.client.projects.setQuota('small', { jobs: null, hours: used.hours / 2 });
  await expect(two.client.jobs.create(spec)).rejects.toMatchObject({
    code: 'quota_exceeded',
    message: expect.stringContaining('quota "hours" of the project small'),
  });
  await admin.client.projects.setQuota('small', { hours: null, bytes: 10 });
  await expect(two.client.uploads.send(rows, { name: 'rows.csv' })).rejects.toMatchObject({
    code: 'quota_exceeded',
    message: expect.stringContaining('quota "bytes" of the project small'),
  });
  expect(await two.client.uploads.list()).toEqual([]);
});

test('a key needs a project that exists', async () => {
  const { client } = await key('root', null, 'admin');
  await expect(client.keys.create({ name: 'x', project: 'nowhere' })).rejects.toMatchObject({
    code: 'project_not_found',
  });
  expect(await client.keys.create({ name: 'x', project: 'audio' })).toMatchObject({ project: 'audio' });
});
