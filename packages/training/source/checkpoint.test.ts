import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type Store } from '@distillery/store';
import { blobFile, flipByte, manifestFile } from '@distillery/store/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Checkpoint, clearCheckpoints, openCheckpoints, threadsAtStart } from './checkpoint.ts';

let folder: string;
let store: Store;
let warnings: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-checkpoints-'));
  warnings = [];
  store = await openStore(folder, { warn: (message) => warnings.push(message) });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const stage = 'jobs/j/student.a.1';

const begin = (attempt: number, keep = 2, at = store, threads = 1) =>
  openCheckpoints({
    store: at,
    folder: stage,
    attempt,
    threads,
    keep,
    warn: (message) => warnings.push(message),
  });

function checkpoint(step: number, values = 10): Checkpoint {
  return {
    cursor: { step, seconds: 0 },
    facts: { losses: { sums: [step], samples: 1 } },
    tensors: {
      weights: { w: new Float32Array(values).fill(step) },
      members: { small: { slots: { 'm/w': new Float32Array([1]) } } },
    },
  };
}

async function files(at: string = folder): Promise<string[]> {
  const entries = await readdir(at, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();
}

const blobs = async () => (await files()).filter((name) => /^[0-9a-f]{64}$/.test(name));

test('the next attempt gets back what the last one committed', async () => {
  const first = await begin(1);
  expect(first.resume).toBeUndefined();
  await first.save(checkpoint(5));
  await first.save(checkpoint(10));
  expect((await begin(2)).resume).toEqual(checkpoint(10));
});

test('the number of threads of the first attempt stays', async () => {
  expect(await threadsAtStart(store, stage)).toBeUndefined();
  const { save } = await begin(1);
  for (let step = 1; step <= 4; step++) await save(checkpoint(step));
  await begin(2, 1, store, 8);
  expect(await threadsAtStart(store, stage)).toBe(1);
});

test('the latest are kept, the rest collected with their files', async () => {
  const { save } = await begin(1, 3);
  for (let step = 1; step <= 6; step++) await save(checkpoint(step));
  expect(await blobs()).toHaveLength(3);
  const next = await begin(2, 1);
  expect(next.resume).toEqual(checkpoint(6));
  await next.save(checkpoint(7));
  expect(await blobs()).toHaveLength(1);
  expect((await begin(3)).resume).toEqual(checkpoint(7));
});

test('a checkpoint that is saved twice at one step is there once, until both entries are gone', async () => {
  const { save } = await begin(1);
  await save(checkpoint(1));
  await save(checkpoint(1));
  expect(await blobs()).toHaveLength(1);
  await save(checkpoint(2));
  expect((await begin(2)).resume).toEqual(checkpoint(2));
});

test('an attempt that was overtaken commits nothing and removes nothing, whenever it wakes up', async () => {
  const old = await begin(1);
  await old.save(checkpoint(5));
  const owner = await begin(2);
  for (const step of [5, 10, 15, 20]) {
    await owner.save(checkpoint(step));
    const before = await files();
    // The step is the owner's as well: no other file may be removed with it.
    await expect(old.save(checkpoint(step))).rejects.toMatchObject({ code: 'stale_attempt' });
    expect(await files()).toEqual(before);
  }
  await expect(begin(1)).rejects.toMatchObject({ code: 'stale_attempt' });
  await clearCheckpoints(store, stage);
  await expect(old.save(checkpoint(25))).rejects.toMatchObject({ code: 'stale_attempt' });
  expect(await blobs()).toEqual([]);
  await expect(begin(1)).rejects.toMatchObject({ code: 'stale_attempt' });
});

test('of attempts that begin at once, the newest can write and no other', async () => {
  await (await begin(1)).save(checkpoint(3));
  const outcomes = await Promise.allSettled([2, 3, 4, 5].map((attempt) => begin(attempt)));
  const saves = await Promise.allSettled(
    outcomes.map(async (outcome) => {
      if (outcome.status === 'rejected') throw outcome.reason;
      await outcome.value.save(checkpoint(4));
    }),
  );
  expect(saves.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected', 'fulfilled']);
  for (const save of saves.slice(0, 3)) expect(save).toMatchObject({ reason: { code: 'stale_attempt' } });
});

test('nothing is left of a stage that was tried once', async () => {
  const { save } = await begin(1);
  for (const step of [1, 2, 3]) await save(checkpoint(step));
  await clearCheckpoints(store, stage);
  expect(await store.list('jobs')).toEqual([]);
  expect(await blobs()).toEqual([]);
});

test('a damaged checkpoint gives a warning, and the one before it is used', async () => {
  const { save } = await begin(1);
  await save(checkpoint(1));
  const [older] = await blobs();
  await save(checkpoint(2));
  const [newest] = (await blobs()).filter((name) => name !== older);
  await writeFile(blobFile(store, newest), 'not what it was');
  expect((await begin(2)).resume).toEqual(checkpoint(1));
  expect(warnings).toEqual([expect.stringContaining('is damaged')]);
});

test('an entry that is damaged counts as absent: the checkpoint before it is taken, and its name is free', async () => {
  const { save } = await begin(1);
  await save(checkpoint(1));
  await save(checkpoint(2));
  const entries = await store.list(stage);
  expect(entries).toHaveLength(3);
  // A digit of the cursor: only the digest of the entry reveals the change.
  const newest = manifestFile(store, entries[2]);
  const at = (await readFile(newest, 'utf8')).indexOf('"step":2') + '"step":'.length;
  await flipByte(newest, at);
  expect(JSON.parse(await readFile(newest, 'utf8'))).toMatchObject({ cursor: { step: 3 } });
  const next = await begin(2);
  expect(next.resume).toEqual(checkpoint(1));
  expect(warnings).toContainEqual(expect.stringContaining(`${entries[2]} is damaged`));
  await next.save(checkpoint(3));
  expect((await begin(3)).resume).toEqual(checkpoint(3));
});

/** A file system of so many bytes; undefined where this process may not mount one. */
function smallDisk(bytes: number, at: string): { unmount(): void } | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', at], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  return { unmount: () => void execFileSync('umount', [at]) };
}

test('a full disk is a failure of its own, which leaves the last good checkpoint', async ({ skip }) => {
  const at = await mkdtemp(join(tmpdir(), 'distillery-small-disk-'));
  const disk = smallDisk(300_000, at);
  try {
    if (disk === undefined) skip('this process may not mount a small file system');
    const small = await openStore(at);
    const { save } = await begin(1, 2, small);
    await save(checkpoint(1, 30_000));
    await save(checkpoint(2, 20_000));
    const before = await files(at);
    await expect(save(checkpoint(3, 60_000))).rejects.toMatchObject({
      code: 'disk_full',
      message: expect.stringContaining('its disk is full'),
      cause: { code: 'ENOSPC' },
    });
    expect(await files(at)).toEqual(before);
    expect((await begin(2, 2, small)).resume).toEqual(checkpoint(2, 20_000));
  } finally {
    disk?.unmount();
    await rm(at, { recursive: true, force: true });
  }
});
