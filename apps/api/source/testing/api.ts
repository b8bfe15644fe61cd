import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type Store } from '@distillery/store';
import { type DistilleryQueue, openQueue, type PrivateRedis, startPrivateRedis } from '@distillery/queue';
import type { JobView } from '@distillery/spec';
import { afterAll, beforeAll } from 'vitest';
import { type ApiOptions, createLogger, type RunningApi, startApi } from '../index.ts';

/** The API on a loopback port over a Redis and a store of the test file's own, and a worker's view of both. */
export interface PrivateApi {
  redis: PrivateRedis;
  /** Redis' files. */
  redisDir: string;
  api: RunningApi;
  /** One more over the same Redis and store, for the test to close. */
  start(over?: Partial<ApiOptions>): Promise<RunningApi>;
  queue: DistilleryQueue;
  store: Store;
  /** Follows no redirects and throws for no status. */
  request(path: string, init?: RequestInit): Promise<Response>;
  /** Posts JSON. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
}

/** @param options what differs from an API that needs no key and says nothing */
export function privateApi(options: Partial<ApiOptions> = {}): PrivateApi {
  const held = {} as PrivateApi;
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'distillery-test-'));
    held.redisDir = join(dir, 'redis');
    held.redis = await startPrivateRedis({ dir: held.redisDir });
    const storeDir = join(dir, 'store');
    held.store = await openStore(storeDir);
    held.queue = await openQueue({ url: held.redis.url, onOutage: 'wait' });
    held.start = (over) =>
      startApi({
        redisUrl: held.redis.url,
        store: storeDir,
        dataDir: join(dir, 'data'),
        roots: [],
        log: createLogger('silent'),
        ...options,
        ...over,
      });
    held.api = await held.start();
    held.request = (path, init) => fetch(held.api.url + path, { redirect: 'manual', ...init });
    held.post = (path, body, headers = {}) =>
      held.request(path, {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
      });
  });
  afterAll(async () => {
    await held.api?.close();
    await held.queue?.close();
    await held.redis?.stop();
    await rm(dir, { recursive: true, force: true });
  });
  return held;
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

/** Does a stage as a worker would. */
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

/** A problem document that holds to its form; its code. */
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
