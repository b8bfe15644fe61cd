import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '@distillery/store';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { storeProbe } from './store-probe.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-probe-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('a store whose folder is gone, as after an unmount, is unavailable until it is back', async () => {
  const path = join(folder, 'store');
  const check = storeProbe(await openStore(path), { held: 0 });
  await check();
  await rename(path, join(folder, 'away'));
  await expect(check()).rejects.toMatchObject({ code: 'store_unavailable' });
  await rename(join(folder, 'away'), path);
  await check();
});

test('a write that hangs is not repeated, and the check fails in time', async () => {
  let writes = 0;
  const hang = () => {
    writes++;
    return new Promise<Date>(() => {});
  };
  const check = storeProbe({ now: hang }, { timeout: 10 });
  for (let i = 0; i < 2; i++) {
    await expect(check()).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringMatching(/10 ms/),
    });
  }
  expect(writes).toBe(1);
});

test('one write serves the checks of some seconds', async () => {
  let writes = 0;
  const check = storeProbe({ now: async () => new Date(++writes) });
  for (let i = 0; i < 5; i++) await check();
  expect(writes).toBe(1);
});
