import type { StreamEvent } from '@distillery/spec';
import { createClient } from '@distillery/client';
import { expect, test } from 'vitest';
import { privateApi, submitted } from '@distillery/api/testing';
import { startTcpProxy } from './testing/tcp-proxy.ts';

const held = privateApi({ heartbeatSeconds: 0.2 });

/** Numbers from 0 to 1, the same in every run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

async function ids(events: AsyncIterable<StreamEvent>, count = Infinity): Promise<string[]> {
  const seen: string[] = [];
  for await (const event of events) {
    seen.push(event.type === 'reset' ? 'reset' : event.id);
    if (seen.length >= count) break;
  }
  return seen;
}

test('a client gets each event once, over connections that are cut and an API that starts again', {
  timeout: 120_000,
}, async () => {
  const port = Number(new URL(held.api.url).port);
  const random = numbers(20_261_127);
  let connections = 0;
  const proxy = await startTcpProxy(port, () => {
    connections++;
    return Math.floor(1500 + 4000 * random());
  });
  try {
    const client = createClient(`http://127.0.0.1:${proxy.port}`);
    const { id } = await submitted(held);
    const attempt = await held.queue.attempts.begin(id, 'teacher', 'w');
    if ('skip' in attempt) throw new Error(attempt.skip);
    const log = async (count: number) => {
      const line = (_: unknown, i: number) =>
        ({ source: 'trainer', level: 'info', message: `ü ${i}` }) as const;
      await held.queue.attempts.log(attempt, Array.from({ length: count }, line));
    };
    const stop = new AbortController();
    const ofJob = ids(client.jobs.events(id));
    const everything: string[] = [];
    const ofAll = (async () => {
      for await (const event of client.events({ signal: stop.signal }))
        everything.push(event.type === 'reset' ? 'reset' : event.id);
    })();
    ofAll.catch(() => {});
    await expect.poll(() => everything.length, { timeout: 10_000 }).toBe(1);
    for (let i = 0; i < 40; i++) {
      await log(10);
      await new Promise((resolve) => setTimeout(resolve, 50 * random()));
    }
    await held.api.close();
    await log(10);
    held.api = await held.start({ port });
    await log(10);
    await held.queue.control.cancel(id);
    await held.queue.attempts.handBack(attempt);

    const stored = (await held.queue.events.read(id)).map((event) => event.id);
    expect(await ofJob).toEqual(stored);
    await expect.poll(() => everything.length, { timeout: 60_000 }).toBe(stored.length - 2);
    // Three events were there before.
    expect(everything).toEqual(['reset', ...stored.slice(3)]);
    stop.abort();
    await expect(ofAll).rejects.toMatchObject({ name: 'AbortError' });
    // More than 50 cuts, of two streams.
    expect(connections).toBeGreaterThan(52);
  } finally {
    await proxy.close();
  }
});

test('a client whose service refuses says so', async () => {
  const client = createClient(held.api.url);
  await expect(client.jobs.events('job_00000000000000000000000000').next()).rejects.toMatchObject({
    code: 'job_not_found',
  });
  await expect(client.jobs.events('x', { after: 'x' }).next()).rejects.toMatchObject({ status: 400 });
});
