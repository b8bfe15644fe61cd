import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openStore, type Store } from '@distillery/store';
import { type DistilleryQueue, openQueue, type PrivateRedis, startPrivateRedis } from '@distillery/queue';
import type { JobView } from '@distillery/spec';
import { afterAll, beforeAll, inject } from 'vitest';
import type * as sources from '../index.ts';
import type { ApiOptions, RunningApi } from '../index.ts';

/** The API on a loopback port with a private Redis and store, and the queue and store as a worker opens them. */
export interface PrivateApi {
  redis: PrivateRedis;
  /** The folder with Redis' files. */
  redisDir: string;
  api: RunningApi;
  /** Starts another API with the same Redis and store; the test closes it. */
  start(over?: Partial<ApiOptions>): Promise<RunningApi>;
  queue: DistilleryQueue;
  store: Store;
  /** Sends a request. It follows no redirect and resolves for every status. */
  request(path: string, init?: RequestInit): Promise<Response>;
  /** Posts JSON. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
}

/**
 * Starts an API before the tests of a file and closes it after them. It is the compiled one, whose threads start a second
 * faster, unless `source`.
 *
 * @param options changes to the default, an API that needs no key and writes no log
 */
export function privateApi({
  source = false,
  ...options
}: Partial<ApiOptions> & { source?: boolean } = {}): PrivateApi {
  const running = {} as PrivateApi;
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'distillery-test-'));
    running.redisDir = join(dir, 'redis');
    running.redis = await startPrivateRedis({ dir: running.redisDir });
    const storeDir = join(dir, 'store');
    running.store = await openStore(storeDir);
    running.queue = await openQueue({ url: running.redis.url, onOutage: 'wait' });
    const compiled = join(inject('built'), 'apps/api/source/index.js');
    const { createLogger, startApi }: typeof sources = source
      ? await import('../index.ts')
      : await import(pathToFileURL(compiled).href);
    running.start = (over) =>
      startApi({
        redisUrl: running.redis.url,
        store: storeDir,
        dataDir: join(dir, 'data'),
        roots: [],
        log: createLogger('silent'),
        ...options,
        ...over,
      });
    running.api = await running.start();
    running.request = (path, init) => fetch(running.api.url + path, { redirect: 'manual', ...init });
    running.post = (path, body, headers = {}) =>
      running.request(path, {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
      });
  });
  afterAll(async () => {
    await running.api?.close();
    await running.queue?.close();
    await running.redis?.stop();
    await rm(dir, { recursive: true, force: true });
  });
  return running;
}

export const spec = {
  name: 'First Try!',
  labels: { team: 'blue' },
  dataset: { source: 'shapes', trainCount: 100, testCount: 50 },
  teacher: { architecture: { type: 'deepnn' } },
  students: [
    {
      name: 'soft',
      architecture: { type: 'lightnn' },
      method: [{ type: 'soft_target', temperature: 2, weight: 0.25 }, { type: 'cross_entropy' }],
    },
  ],
  seeds: [42, 7],
};

export async function submitted({ post }: PrivateApi, over: object = {}): Promise<JobView> {
  const response = await post('/v1/jobs', { ...spec, ...over });
  if (response.status !== 202) throw new Error(await response.text());
  return (await response.json()) as JobView;
}

/** Finishes a stage with a result, as a worker would. */
export async function finish(
  { queue }: PrivateApi,
  id: string,
  stage: string,
  result: unknown,
): Promise<void> {
  const begun = await queue.attempts.begin(id, stage, 'w');
  if ('skip' in begun) throw new Error(begun.skip);
  await queue.attempts.succeed(begun, result);
}

/** Returns the body of a response after checking that it is a complete problem document. */
export async function problem(response: Response): Promise<{ code: string; [field: string]: unknown }> {
  const body = (await response.json()) as { code: string; [field: string]: unknown };
  const type = response.headers.get('content-type');
  if (type?.split(';')[0] !== 'application/problem+json') throw new Error(`a problem of type ${type}`);
  if (body.status !== response.status) throw new Error(`status ${response.status}, body ${body.status}`);
  if (body.instance !== response.headers.get('x-request-id')) throw new Error('not the id of the request');
  if (body.type !== `urn:distillery:error:${body.code}` || !body.title || !body.detail) {
    throw new Error(`incomplete: ${JSON.stringify(body)}`);
  }
  if (/\bat .*:\d+:\d+/.test(JSON.stringify(body))) throw new Error('a stack trace');
  return body;
}
