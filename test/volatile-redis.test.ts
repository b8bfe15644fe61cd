import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiOptions, startApi } from '@distillery/api';
import { startPrivateRedis } from '@distillery/queue';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { workerModule } from './testing/service.ts';

test('a Redis that can lose jobs is refused at the start unless a setting allows it; an unreachable one is accepted', {
  timeout: 120_000,
}, async () => {
  const { startWorker } = await workerModule();
  const folder = await mkdtemp(join(tmpdir(), 'distillery-test-'));
  const redis = await startPrivateRedis({ settings: { appendonly: 'no' } });
  const options: ApiOptions = {
    redisUrl: redis.url,
    store: join(folder, 'store'),
    dataDir: join(folder, 'data'),
    roots: [],
    log: pino({ level: 'silent' }),
  };
  const refused = { code: 'redis_unavailable', message: expect.stringContaining('REDIS_VOLATILE=allow') };
  try {
    await expect(startApi(options)).rejects.toMatchObject(refused);
    await expect(startWorker({ ...options, version: 'test' })).rejects.toMatchObject(refused);
    for (const started of [
      await startApi({ ...options, volatileRedis: true }),
      await startWorker({ ...options, volatileRedis: true, version: 'test' }),
    ]) {
      await started.close();
    }
    await redis.stop();
    const api = await startApi(options);
    expect((await fetch(`${api.url}/readyz`)).status).toBe(503);
    await api.close();
  } finally {
    await redis.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
