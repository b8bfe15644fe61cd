import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openQueue } from '../index.ts';
import { privateQueue } from '../testing/queue.ts';

const held = privateQueue();

test('a lease has one holder, who may extend and end it', async () => {
  const other = await openQueue({ url: held.redis.url, onOutage: 'wait' });
  try {
    expect(await held.queue.leases.take('work', 60_000)).toBe(true);
    expect(await held.queue.leases.take('work', 60_000)).toBe(true);
    expect(await other.leases.take('work', 60_000)).toBe(false);
    expect(await other.leases.take('other work', 60_000)).toBe(true);
    await other.leases.end('work');
    expect(await other.leases.take('work', 60_000)).toBe(false);
    await held.queue.leases.end('work');
    expect(await other.leases.take('work', 20)).toBe(true);
    await delay(40);
    expect(await held.queue.leases.take('work', 60_000)).toBe(true);
  } finally {
    await other.close();
  }
});
