import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { privateQueue } from '../testing/queue.ts';

const held = privateQueue();

test('nothing is removed while the store is held, and the hold ends when it is ended or by itself', async () => {
  const { hold } = held.queue;
  expect(await hold.until()).toBeNull();
  expect(await hold.unless(async () => 'removed')).toBe('removed');

  const before = Date.now();
  expect(await hold.begin(60_000)).toBe(0);
  expect((await hold.until())?.getTime()).toBeGreaterThanOrEqual(before + 60_000);
  expect(await hold.unless(async () => 'removed')).toBeUndefined();
  await hold.end();
  expect(await hold.unless(async () => 'removed')).toBe('removed');

  await hold.begin(30);
  await delay(60);
  expect(await hold.until()).toBeNull();
  expect(await hold.unless(async () => 'removed')).toBe('removed');
});

test('one who begins a hold learns of the removals that still run', async () => {
  const { hold } = held.queue;
  let finish = () => {};
  const removal = hold.unless(() => new Promise<void>((done) => (finish = done)));
  const failing = hold.unless(() => Promise.reject(new Error('the disk')));
  await expect(failing).rejects.toThrow('the disk');
  expect(await hold.begin(60_000)).toBe(1);
  finish();
  await removal;
  expect(await hold.begin(60_000)).toBe(0);
  await hold.end();
});
