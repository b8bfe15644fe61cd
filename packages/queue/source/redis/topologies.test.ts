import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DistilleryQueue, openQueue, startPrivateRedis } from '../index.ts';
import { engine, job, until } from '../testing/queue.ts';
import {
  type Certificate,
  makeCertificate,
  privateCluster,
  privateSentinel,
  privateTls,
} from '../testing/topologies.ts';

/** Runs a job as an API and a worker do; `meanwhile` runs while its first stage is in hand. */
async function throughTheQueue(url: string, meanwhile: (api: DistilleryQueue) => Promise<void>) {
  const api = await openQueue({ url });
  const worker = await openQueue({ url, onOutage: 'wait' });
  const stop = new AbortController();
  try {
    await api.checkDurability();
    const { id: webhook } = await api.webhooks.create(
      { url: 'https://example.com/', description: '', events: ['job', 'stage'], jobs: 'all' },
      null,
      undefined,
    );
    const passing = api.webhooks.passEvents(stop.signal);
    const { view } = await api.jobs.create(job({ labels: { team: 'blue' } }), { key: 'k', digest: 'd' });
    await api.stages.offer();
    const me = await worker.workers.register({ id: 'w', host: 'h', version: '1', engine });
    const row = (step: number) => ({
      epoch: 1,
      step,
      time: new Date().toISOString(),
      values: { loss: step },
    });
    await worker.stages.consume(
      async (run) => {
        await run.metrics([row(1)]);
        if (run.stageId === 'teacher' && run.attempt === 1) await meanwhile(api);
        await run.progress({
          phase: 'training',
          fraction: 0.5,
          epoch: 1,
          epochs: 1,
          step: 2,
          steps: 2,
          loss: 1,
          samplesPerSecond: 1,
        });
        await run.metrics([row(2)]);
        await run.warning('mind the gap');
        return run.stageId;
      },
      { worker: 'w', lockDuration: 5000 },
    );
    const end = await until(
      async () => (await worker.jobs.get(view.id)).view,
      ({ finishedAt }) => finishedAt !== null,
    );
    expect(end.state).toBe('succeeded');
    const events = await api.events.read(view.id);
    expect(events).toEqual(await worker.events.read(view.id));
    const rows = (await api.metrics.read(view.id)).rows.map(({ stage, step }) => `${stage} ${step}`);
    expect(rows).toEqual([...new Set(rows)]);
    expect(rows).toHaveLength(2 * end.stages.length);
    for (const { id } of end.stages) {
      const ends = events.filter(
        (event) => event.type === 'stage' && event.stage === id && event.state === 'succeeded',
      );
      expect(ends).toHaveLength(1);
    }
    // Each state went to the webhook once, and can be claimed.
    const told = events.filter(({ type }) => type === 'job' || type === 'stage').map(({ id }) => id);
    const { deliveries } = await until(
      () => api.webhooks.deliveries.list(webhook, { limit: 1000 }),
      (page) => page.deliveries.length >= told.length,
    );
    expect(deliveries.map(({ id }) => id).reverse()).toEqual(told);
    expect(await api.webhooks.deliveries.claim(1000)).toMatchObject({ webhook, id: told[0] });
    stop.abort();
    await passing;
    await api.webhooks.remove(webhook, null);
    expect(await api.workers.list()).toHaveLength(1);
    await me.stop();
    expect((await api.jobs.list({ labels: { team: 'blue' } })).jobs.map(({ id }) => id)).toEqual([view.id]);
    expect((await api.jobs.create(job(), { key: 'k', digest: 'd' })).replayed).toBe(true);
    await api.control.remove(view.id);
    expect((await api.jobs.list({})).jobs).toEqual([]);
    return end;
  } finally {
    stop.abort();
    await worker.close();
    await api.close();
  }
}

const answers = (queue: DistilleryQueue) =>
  queue.ping().then(
    () => true,
    () => false,
  );

test('a Cluster: a job goes on while its keys move to another node', { timeout: 90_000 }, async () => {
  const { servers, url, stop } = await privateCluster(3);
  try {
    const slot = Number(await servers[0].client.call('CLUSTER', 'KEYSLOT', '{distillery}'));
    const ids = await Promise.all(servers.map(({ client }) => client.call('CLUSTER', 'MYID')));
    const from = Math.floor((slot * 3) / 16_384);
    const to = (from + 1) % 3;
    await throughTheQueue(url, async () => {
      const [old, next] = [servers[from].client, servers[to].client];
      await next.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', String(ids[from]));
      await old.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', String(ids[to]));
      const names = (await old.call('CLUSTER', 'GETKEYSINSLOT', slot, 1000)) as string[];
      expect(names.length).toBeGreaterThan(5);
      await old.call('MIGRATE', '127.0.0.1', servers[to].port, '', 0, 5000, 'KEYS', ...names);
      for (const client of [next, old])
        await client.call('CLUSTER', 'SETSLOT', slot, 'NODE', String(ids[to]));
    });
    expect(await servers[from].client.dbsize()).toBe(0);
    expect(await servers[to].client.dbsize()).toBeGreaterThan(0);

    // Every node is asked, also one that holds none of our keys.
    await servers[from].client.config('SET', 'appendonly', 'no');
    const queue = await openQueue({ url });
    await expect(queue.checkDurability()).rejects.toThrow(/append-only file/);
    await queue.close();
  } finally {
    await stop();
  }
});

test('a Cluster of one node that drops its clients, and a prefix that would scatter its keys', {
  timeout: 60_000,
}, async () => {
  const { servers, url, stop } = await privateCluster(1);
  try {
    await expect(openQueue({ url, prefix: 'plain' })).rejects.toThrow(/"plain" has no hash tag/);
    await throughTheQueue(url, async (api) => {
      await servers[0].client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await until(
        () => answers(api),
        (up) => up,
      );
    });
  } finally {
    await stop();
  }
});

test('Sentinel: the master is killed, and the job goes on at the replica', { timeout: 90_000 }, async () => {
  const { servers, url, stop } = await privateSentinel();
  try {
    await throughTheQueue(url, async (api) => {
      process.kill(servers[0].server.pid, 'SIGKILL');
      await until(
        () => answers(api),
        (up) => !up,
      );
      await until(
        () => answers(api),
        (up) => up,
      );
    });
    expect(await servers[1].client.role()).toContain('master');
  } finally {
    await stop();
  }
});

describe('TLS', () => {
  let dir: string;
  let certificate: Certificate | undefined;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'distillery-tls-'));
    certificate = await makeCertificate(dir).catch(() => undefined);
  });
  afterAll(() => rm(dir, { recursive: true }));

  test.for([
    ['a server', privateTls, /self-signed certificate/],
    // Of these two ioredis keeps the reason to itself.
    ['a Cluster', (made: Certificate) => privateCluster(2, made), /Failed to refresh slots cache/],
    ['Sentinel', privateSentinel, /All sentinels are unreachable/],
  ] as const)(
    '%s with its authority by URL, refused without',
    { timeout: 90_000 },
    async ([, start, reason], { skip }) => {
      if (certificate === undefined) return skip('openssl makes no certificate here');
      const { url, stop } = await start(certificate);
      try {
        await throughTheQueue(url, async () => {});
        const errors: Error[] = [];
        const stranger = await openQueue({
          url: url.slice(0, url.indexOf('?')),
          onError: (error) => errors.push(error),
        });
        await expect(stranger.ping()).rejects.toMatchObject({ code: 'redis_unavailable' });
        await stranger.close();
        expect(errors.join()).toMatch(reason);
      } finally {
        await stop();
      }
    },
  );
});

test('a wrong password is in no error', async () => {
  const redis = await startPrivateRedis({ settings: { requirepass: 'right' } });
  try {
    const errors: Error[] = [];
    const url = (password: string) => redis.url.replace(':right@', `:${password}@`);
    const wrong = await openQueue({ url: url('hidden'), onError: (error) => errors.push(error) });
    await expect(wrong.ping()).rejects.toMatchObject({ code: 'redis_unavailable' });
    await wrong.close();
    expect(errors.join()).toMatch(/WRONGPASS/);
    expect(inspect(errors, { depth: 9 })).not.toContain('hidden');
    const right = await openQueue({ url: url('right') });
    await expect(right.ping()).resolves.toBeUndefined();
    await right.close();
  } finally {
    await redis.stop();
  }
});
