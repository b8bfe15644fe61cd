import { startPrivateRedis } from '@distillery/queue';
import { expect, test } from 'vitest';
import { privateApi, problem, spec, submitted } from './testing/api.ts';

const held = privateApi();

test('while Redis is down the API answers 503 at once and writes nothing; afterwards it works again', async () => {
  const { id } = await submitted(held);
  expect((await held.request('/readyz')).status).toBe(200);
  await held.redis.stop();

  const requests: (() => Promise<Response>)[] = [
    () => held.request('/readyz'),
    () => held.request(`/v1/jobs/${id}`),
    () => held.request('/v1/jobs'),
    () => held.request(`/v1/jobs/${id}/metrics`),
    () => held.request(`/v1/jobs/${id}/report`),
    () => held.request(`/v1/jobs/${id}/teacher/weights`),
    () => held.request('/v1/engine'),
    () => held.post('/v1/jobs', spec),
    () => held.post('/v1/jobs', spec, { 'idempotency-key': 'again' }),
  ];
  for (const request of requests) {
    const response = await request();
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('2');
    // At once, because the connection is down: no request waits for a timeout.
    expect(await problem(response)).toMatchObject({
      code: 'redis_unavailable',
      detail: expect.stringMatching(/Connection is closed|isn't writeable/),
    });
  }
  // Pages that do not need Redis still work.
  for (const path of ['/healthz', '/v1/methods', '/openapi.json']) {
    expect((await held.request(path)).status).toBe(200);
  }
  expect((await held.post('/v1/jobs/validate', spec)).status).toBe(200);
  expect((await held.post('/v1/jobs', {})).status).toBe(422);

  held.redis = await startPrivateRedis({ dir: held.redisDir, port: Number(new URL(held.redis.url).port) });
  await expect.poll(async () => (await held.request('/readyz')).status, { timeout: 5000 }).toBe(200);
  const list = (await (await held.request('/v1/jobs')).json()) as { jobs: { id: string }[] };
  expect(list.jobs.map((job) => job.id)).toEqual([id]);
  const again = await held.post('/v1/jobs', spec, { 'idempotency-key': 'again' });
  expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, null]);
});
