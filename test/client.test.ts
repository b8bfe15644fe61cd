import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { engine } from '@distillery/queue/testing';
import { finish, privateApi, spec, submitted } from '@distillery/api/testing';
import { ApiError, ConnectionError, createClient, DigestError } from '@distillery/client';
import { build } from 'esbuild';
import { teacherResult, trainedNetwork } from '@distillery/training/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTcpProxy } from './testing/tcp-proxy.ts';

const held = privateApi({ heartbeatSeconds: 0.2 });
const client = () => createClient(held.api.url);
const portOf = (url: string) => Number(new URL(url).port);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-client-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('a download', () => {
  const weights = randomBytes(3_000_000);
  let id: string;
  beforeAll(async () => {
    ({ id } = await submitted(held));
    const best = { epoch: 1, weights: await held.store.put(weights) };
    await finish(held, id, 'teacher', teacherResult(trainedNetwork({ best })));
  });

  test('streams to a file, with its name, size and digest', async () => {
    const progress: number[] = [];
    const file = await client().jobs.download(id, {}, { onProgress: (received) => progress.push(received) });
    expect(file).toMatchObject({
      name: 'First-Try-teacher-best.safetensors',
      size: weights.length,
      digest: createHash('sha256').update(weights).digest('hex'),
      mediaType: 'application/octet-stream',
    });
    await pipeline(file.stream, createWriteStream(join(folder, file.name)));
    expect((await readFile(join(folder, file.name))).equals(weights)).toBe(true);
    expect(progress.at(-1)).toBe(weights.length);
  });

  test('goes on where a connection was cut, and asks for no byte twice', async () => {
    let connections = 0;
    const proxy = await startTcpProxy(portOf(held.api.url), () => {
      connections++;
      return 400_000;
    });
    try {
      let pieces = 0;
      const remote = createClient(`http://127.0.0.1:${proxy.port}`);
      const file = await remote.jobs.download(id, {}, { onProgress: () => pieces++ });
      expect(Buffer.from(await file.bytes()).equals(weights)).toBe(true);
      // 3 000 000 bytes, of which a connection carries 400 000 with its headers.
      expect(connections).toBe(8);
      expect(pieces).toBeGreaterThan(8);
    } finally {
      await proxy.close();
    }
  });

  test('gives up when connections carry nothing any more', async () => {
    let connections = 0;
    const proxy = await startTcpProxy(portOf(held.api.url), () => (++connections === 1 ? 400_000 : 0));
    try {
      const remote = createClient(`http://127.0.0.1:${proxy.port}`, { retries: 1 });
      const file = await remote.jobs.download(id, {}, { retries: 1 });
      await expect(file.bytes()).rejects.toBeInstanceOf(ConnectionError);
    } finally {
      await proxy.close();
    }
  });

  test('ends when it is aborted, before and between pieces', async () => {
    const controller = new AbortController();
    const file = await client().jobs.download(id, {}, { signal: controller.signal });
    const reading = (async () => {
      for await (const _ of file) controller.abort(new Error('enough'));
    })();
    await expect(reading).rejects.toThrow('enough');
    await expect(client().jobs.download(id, {}, { signal: controller.signal })).rejects.toThrow('enough');
  });

  test('reports bytes that differ from their digest', async () => {
    const bytes = Buffer.from('weights');
    const digest = createHash('sha256').update('others').digest('base64');
    const server = createServer((_request, response) =>
      response.setHeader('repr-digest', `sha-256=:${digest}:`).setHeader('content-length', 7).end(bytes),
    );
    await once(server.listen(0, '127.0.0.1'), 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      const file = await createClient(`http://127.0.0.1:${port}`).jobs.download('x');
      await expect(file.bytes()).rejects.toBeInstanceOf(DigestError);
    } finally {
      server.close();
    }
  });

  test('of a network that the job does not have is refused', async () => {
    await expect(client().jobs.download(id, { student: 'none' })).rejects.toMatchObject({
      code: 'student_not_found',
    });
  });
});

describe('a job', () => {
  test('is created once, although the answer to the first request is lost', async () => {
    let connections = 0;
    // The request arrives, and nothing of its answer.
    const proxy = await startTcpProxy(portOf(held.api.url), () => (++connections === 1 ? 0 : Infinity));
    try {
      const labels = { test: 'create-once' };
      const remote = createClient(`http://127.0.0.1:${proxy.port}`);
      const { id } = await remote.jobs.create({ ...spec, labels });
      expect(connections).toBe(2);
      expect((await client().jobs.list({ labels }).toArray()).map((job) => job.id)).toEqual([id]);
    } finally {
      await proxy.close();
    }
  });

  test('with invalid fields is refused field by field', async () => {
    const error: unknown = await client()
      .jobs.create({ ...spec, seeds: [1, 1] })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      status: 422,
      code: 'invalid_spec',
      errors: [{ path: expect.stringMatching('^/seeds') }],
      requestId: expect.stringMatching(/./),
      transient: false,
    });
  });

  test('can be planned, listed page by page, read and controlled', async () => {
    const labels = { test: 'pages' };
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.unshift((await client().jobs.create({ ...spec, labels })).id);
    const { jobs, audit } = client();
    const plan = await jobs.validate(spec);
    expect(plan.stages.map(({ id }) => id)).toContain('teacher');
    const list = jobs.list({ labels, limit: 2 });
    const seen: string[] = [];
    for await (const job of list) seen.push(job.id);
    expect(seen).toEqual(ids);
    const sizes: number[] = [];
    for await (const page of list.pages()) sizes.push(page.jobs.length);
    expect(sizes).toEqual([2, 2, 1]);
    const { next } = await list.page();
    expect((await jobs.list({ labels, limit: 2, after: next ?? '' }).toArray()).map(({ id }) => id)).toEqual(
      ids.slice(2),
    );
    const [id] = ids;
    expect(await jobs.spec(id)).toEqual({ ...spec, labels });
    expect((await jobs.stages(id, { limit: 2 }).toArray()).map((stage) => stage.id)).toEqual(
      (await jobs.get(id)).stages.map((stage) => stage.id),
    );
    expect((await jobs.pause(id)).state).toBe('paused');
    expect((await jobs.resume(id)).state).toBe('queued');
    expect((await jobs.cancel(id)).state).toBe('cancelled');
    expect((await jobs.wait(id)).state).toBe('cancelled');
    expect((await jobs.retry(id)).state).toBe('queued');
    await jobs.cancel(id);
    await jobs.delete(id);
    await expect(jobs.get(id)).rejects.toMatchObject({ code: 'job_not_found' });
    await expect(jobs.report(ids[1])).rejects.toMatchObject({ code: 'not_ready' });
    expect(await jobs.checkpoints(ids[1])).toEqual([]);
    expect(await jobs.metrics(ids[1]).toArray()).toEqual([]);
    expect((await audit.list({ limit: 1 }).toArray(3)).length).toBe(3);
  });

  test('has log lines and curves', async () => {
    const { id } = await submitted(held);
    const attempt = await held.queue.attempts.begin(id, 'teacher', 'w');
    if ('skip' in attempt) throw new Error(attempt.skip);
    const line = (_: unknown, i: number) =>
      ({ source: 'trainer', level: 'info', message: `line ${i}` }) as const;
    await held.queue.attempts.log(attempt, Array.from({ length: 5 }, line));
    const { jobs } = client();
    expect((await jobs.logs(id).toArray()).map(({ message }) => message)).toEqual(
      Array.from({ length: 5 }, (_, i) => `line ${i}`),
    );
    expect((await jobs.logs(id, { tail: 2 }).toArray()).map(({ message }) => message)).toEqual([
      'line 3',
      'line 4',
    ]);
    expect(await jobs.logs(id, { level: 'error' }).toArray()).toEqual([]);
    expect((await jobs.curves(id, { points: 10, stages: ['teacher'] })).curves).toEqual([]);
    await held.queue.control.cancel(id);
    await held.queue.attempts.handBack(attempt);
  });

  test('has lines that are followed over a restart of the API, each once, to its end', async () => {
    const port = portOf(held.api.url);
    const { id } = await submitted(held);
    const attempt = await held.queue.attempts.begin(id, 'teacher', 'w');
    if ('skip' in attempt) throw new Error(attempt.skip);
    const log = (message: string) =>
      held.queue.attempts.log(attempt, [{ source: 'trainer', level: 'info', message }]);
    for (const message of ['one', 'two', 'three']) await log(message);
    const seen: string[] = [];
    let restarted: Promise<void> | undefined;
    const restart = async () => {
      await held.api.close();
      await log('four');
      held.api = await held.start({ port });
      await log('five');
      await held.queue.control.cancel(id);
      await held.queue.attempts.handBack(attempt);
    };
    for await (const { message, stage } of client().jobs.followLogs(id, { tail: 2 })) {
      seen.push(`${stage} ${message}`);
      if (message === 'three') restarted ??= restart();
    }
    await restarted;
    expect(seen).toEqual(['two', 'three', 'four', 'five'].map((one) => `teacher ${one}`));
  });

  test('has an analysis, samples and pictures once it is trained', async () => {
    const { id } = await submitted(held);
    const { jobs } = client();
    await expect(jobs.analysis(id)).rejects.toMatchObject({ code: 'not_ready' });
    const choice = { student: 'soft', seed: 42, sort: 'index', class: 1, limit: 5, offset: 2 } as const;
    await expect(jobs.samples(id, choice)).rejects.toMatchObject({ code: 'not_ready' });
    await expect(jobs.sampleImage(id, 3)).rejects.toMatchObject({ code: 'not_ready' });
    const asked: string[] = [];
    const { jobs: drawn } = createClient('http://distillery.example', {
      fetch: async (url, init) => {
        asked.push(`${url as string} ${new Headers(init?.headers).get('accept')}`);
        return new Response(Uint8Array.of(1, 2, 3));
      },
    });
    expect(await drawn.sampleImage('job_1', 3)).toEqual(Uint8Array.of(1, 2, 3));
    expect(asked).toEqual(['http://distillery.example/v1/jobs/job_1/samples/3/image image/png']);
  });

  test('is watched over a restart of the API, to its end', async () => {
    const port = portOf(held.api.url);
    const { id } = await submitted(held);
    const states: string[] = [];
    let lost = 0;
    let restarted: Promise<void> | undefined;
    const restart = async () => {
      await held.api.close();
      await held.queue.control.pause(id);
      held.api = await held.start({ port });
      await held.queue.control.cancel(id);
    };
    const options = { interval: 20, retries: 0, onLost: () => lost++ };
    for await (const { state } of client().jobs.watch(id, options)) {
      if (states.at(-1) !== state) states.push(state);
      restarted ??= restart();
    }
    await restarted;
    expect(states[0]).toBe('queued');
    expect(states.at(-1)).toBe('cancelled');
    expect(lost).toBeGreaterThan(0);
  });
});

test('the catalogues, the store and the audit log are there', async () => {
  const { methods, architectures, sources, teachers, formats, store } = client();
  for (const { list } of [methods, architectures, sources, teachers, formats])
    expect((await list())[0]).toMatchObject({ type: expect.any(String), options: expect.any(Object) });
  expect(await store.sweep()).toMatchObject({ removed: false });
  expect(await store.scrub()).toMatchObject({ remove: false });
  expect(await store.scrubReport()).toMatchObject({ startedAt: expect.any(String) });
  const { until } = await store.hold({ hours: 1 });
  expect(await store.held()).toEqual({ until });
  await store.release();
  expect(await store.held()).toEqual({ until: null });
});

test('workers, keys and the session are there', async () => {
  const registered = await held.queue.workers.register({ id: 'w1', host: 'here', version: '0.1.0', engine });
  expect(await client().workers()).toMatchObject({
    workers: [{ id: 'w1', engine: { backend: 'cpu' }, stages: [] }],
    queue: { running: expect.any(Number), jobs: { queued: expect.any(Number) } },
  });
  await registered.stop();
  const { keys } = client();
  const { id, token } = await keys.create({ name: 'ana' });
  expect(await keys.list()).toMatchObject([{ id, name: 'ana', scope: 'submit', revokedAt: null }]);
  await keys.revoke(id);
  await expect(keys.revoke('x')).rejects.toMatchObject({ code: 'key_not_found' });
  expect(await client().session.get()).toEqual({ keys: 'off', caller: null });
  expect(await client().session.create(token)).toEqual({ keys: 'off', caller: null });
  await client().session.end();
});

test('webhooks are created, changed, tested and removed', async () => {
  const { webhooks } = client();
  await expect(webhooks.create({ url: 'http://127.0.0.1/' })).rejects.toMatchObject({
    code: 'invalid_body',
    errors: [{ path: '/url' }],
  });
  const { id, secret } = await webhooks.create({ url: 'https://192.0.43.8/', events: ['job.failed'] });
  expect(secret).toMatch(/^whsec_/);
  expect(await webhooks.update(id, { enabled: false, description: 'off' })).toMatchObject({ enabled: false });
  expect(await webhooks.list()).toMatchObject([{ id, description: 'off', events: ['job.failed'] }]);
  expect((await webhooks.rotateSecret(id)).secret).not.toBe(secret);
  const payload = '{}';
  const attempt = { time: new Date().toISOString(), durationMs: 1, status: 500, error: 'no' };
  for (let i = 0; i < 3; i++) {
    const head = { type: 'job.failed', job: 'job_1', createdAt: attempt.time } as const;
    await held.queue.webhooks.deliveries.note(id, { id: `100${i}-0`, head, payload, attempt });
  }
  const list = webhooks.deliveries(id, { state: 'failed', limit: 2 });
  expect((await list.toArray()).map((one) => one.id)).toEqual(['1002-0', '1001-0', '1000-0']);
  await expect(webhooks.redeliver(id, '1001-0')).rejects.toMatchObject({ code: 'state_conflict' });
  await webhooks.delete(id);
  await expect(webhooks.get(id)).rejects.toMatchObject({ code: 'webhook_not_found' });
  await expect(webhooks.test(id)).rejects.toMatchObject({ code: 'webhook_not_found' });
});

test('a bundle for browsers needs nothing of Node, no Zod and no TensorFlow', async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [new URL(import.meta.resolve('@distillery/client')).pathname],
    bundle: true,
    minify: true,
    metafile: true,
    platform: 'browser',
    format: 'esm',
    write: false,
    logLevel: 'silent',
  });
  const packages = Object.keys(metafile.inputs).map(
    (path) => /(?:node_modules\/((?:@[^/]+\/)?[^/]+)|packages\/[^/]+)/.exec(path)?.[0] ?? path,
  );
  expect([...new Set(packages)].sort()).toEqual([
    'node_modules/@noble/hashes',
    'node_modules/eventsource-parser',
    'packages/client',
    'packages/spec',
  ]);
  expect(outputFiles[0].contents.length).toBeLessThan(30_000);
});
