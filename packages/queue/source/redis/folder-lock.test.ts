import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { processPlace } from '@distillery/spec/process-identity';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockFolder, runningRedis } from './folder-lock.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-lock-'));
});
afterEach(() => rm(folder, { recursive: true }));

const id = '00000000-0000-4000-8000-000000000000';
const elsewhere = { place: 'another place', host: 'mill', since: '2026-01-01T00:00:00.000Z' };

/** Writes a lock as another process would, last renewed some seconds ago. */
async function leave(owner: object, seconds = 0): Promise<void> {
  const path = join(folder, `owner.${id}.json`);
  await writeFile(path, JSON.stringify(owner));
  const at = new Date(Date.now() - seconds * 1000);
  await utimes(path, at, at);
}

/** The id of a process that has ended. */
async function endedProcess(): Promise<number> {
  const child = spawn('true');
  await once(child, 'exit');
  return child.pid as number;
}

test('a folder has one owner at a time, and the refusal names it', async () => {
  const first = await lockFolder(folder);
  await expect(lockFolder(folder)).rejects.toMatchObject({
    code: 'state_conflict',
    message: expect.stringContaining(`${folder} is in use by process ${process.pid} since`),
  });
  await first.release();
  const second = await lockFolder(folder);
  await second.release();
  expect(await readdir(folder)).toEqual([]);
});

test('of many that start together exactly one gets the folder', async () => {
  const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => lockFolder(folder)));
  const locks = outcomes.filter((outcome) => outcome.status === 'fulfilled');
  expect(locks).toHaveLength(1);
  await locks[0].value.release();
});

test('the lock of a process that has ended is taken over', async () => {
  const place = await processPlace;
  await leave({ ...elsewhere, place, pid: await endedProcess() });
  await (await lockFolder(folder)).release();
});

test.runIf(process.platform === 'linux')('a later process with the same id holds no lock', async () => {
  await leave({ ...elsewhere, place: await processPlace, pid: process.pid, started: '1' });
  await (await lockFolder(folder)).release();
});

test('a server that outlives its owner keeps the folder until it ends', async () => {
  const server = spawn('sleep', ['60']);
  const redis = { pid: server.pid, url: 'redis://127.0.0.1:1' };
  await leave({ ...elsewhere, place: await processPlace, pid: await endedProcess(), redis });
  let locked = false;
  const locking = lockFolder(folder).then((lock) => {
    locked = true;
    return lock;
  });
  await new Promise((done) => setTimeout(done, 200));
  expect(locked).toBe(false);
  server.kill('SIGKILL');
  await (await locking).release();
});

test('the lock of another machine counts until it is no longer renewed', async () => {
  await leave({ ...elsewhere, pid: 1 }, 30);
  await expect(lockFolder(folder)).rejects.toThrow(/process 1 on mill since 2026-01-01/);
  await leave({ ...elsewhere, pid: 1 }, 120);
  await (await lockFolder(folder)).release();
});

test('an empty lock, as after a power cut, is removed', async () => {
  await writeFile(join(folder, `owner.${id}.json`), '');
  await (await lockFolder(folder)).release();
  expect(await readdir(folder)).toEqual([]);
});

test('the owner publishes its Redis, for as long as it lives', async () => {
  expect(await runningRedis(folder)).toBeUndefined();
  const lock = await lockFolder(folder);
  expect(await runningRedis(folder)).toBeUndefined();
  await lock.publish({ pid: process.pid, url: 'redis://:secret@127.0.0.1:7' });
  expect(await runningRedis(folder)).toBe('redis://:secret@127.0.0.1:7');
  const [name] = await readdir(folder);
  expect(JSON.parse(await readFile(join(folder, name), 'utf8'))).toMatchObject({ host: hostname() });
  await lock.release();
  expect(await runningRedis(folder)).toBeUndefined();
});
