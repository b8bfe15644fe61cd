import { randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DistilleryError } from '@distillery/spec';
import { isAlive, processPlace, startOf } from '@distillery/spec/process-identity';

/** A process, which a later one with the same id is not taken for. */
interface Identity {
  pid: number;
  /** See `startOf`. */
  started?: string | undefined;
}

/** The process that owns a folder. */
interface Owner extends Identity {
  /** See `processPlace`. */
  place: string;
  host: string;
  /** ISO 8601. */
  since: string;
  /** The server that the owner runs in the folder. It may outlive a killed owner for a moment. */
  redis?: Identity & { url: string };
}

export interface FolderLock {
  /** Adds this owner's server, which this user's other programs may use. */
  publish(redis: { pid: number; url: string }): Promise<void>;
  release(): Promise<void>;
}

const beatMs = 10_000;
/** A lock of another machine or container counts as left behind when its owner has not renewed it for so long. */
const silentMs = 60_000;
/** How often a process looks for the locks of others, and how often when all that is left of one is its server. */
const looks = 5;
const looksAtServer = 100;
const name = /^owner\.[0-9a-f-]{36}\.json$/;

/**
 * Makes this process the only owner of a folder until it releases the lock or ends, also by SIGKILL.
 *
 * Each process first writes a lock of its own and then looks for those of others, so of two that start at the same time
 * at least one sees the other and gives way. A lock whose process has ended is removed; its name is unique, so no lock that
 * is in use can be removed by mistake.
 *
 * @throws DistilleryError `state_conflict` that names the owner, and how to go on
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = join(folder, `owner.${randomUUID()}.json`);
  const own: Owner = {
    ...(await identityOf(process.pid)),
    place: await processPlace,
    host: hostname(),
    since: new Date().toISOString(),
  };
  for (let tries = 1; ; tries++) {
    await write(path, own);
    const other = await otherOwner(folder, path);
    if (other === undefined) break;
    await rm(path, { force: true });
    const serverAlone = other.place === own.place && !(await runs(other));
    if (tries >= (serverAlone ? looksAtServer : looks)) throw inUse(folder, other);
    // Two processes that started together may both have given way, and a server takes a moment to end after its owner.
    await delay(20 + 100 * Math.random());
  }
  const beat = setInterval(() => {
    const now = new Date();
    void utimes(path, now, now).catch(() => {});
  }, beatMs);
  beat.unref();
  return {
    publish: async ({ pid, url }) => write(path, { ...own, redis: { ...(await identityOf(pid)), url } }),
    async release() {
      clearInterval(beat);
      await rm(path, { force: true });
    },
  };
}

/** The URL of the Redis that a living process runs in a folder; undefined when there is none. */
export async function runningRedis(folder: string): Promise<string | undefined> {
  for (const path of await locksIn(folder)) {
    const owner = await read(path);
    if (owner !== undefined && (await lives(owner, path, Date.now()))) return owner.redis?.url;
  }
  return undefined;
}

async function otherOwner(folder: string, own: string): Promise<Owner | undefined> {
  // The file system's own clock: that of another machine may differ.
  const now = (await stat(own)).mtimeMs;
  for (const path of await locksIn(folder)) {
    if (path === own) continue;
    const owner = await read(path);
    if (owner !== undefined && (await lives(owner, path, now))) return owner;
    await rm(path, { force: true });
  }
  return undefined;
}

async function locksIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder).catch(() => []);
  return entries.filter((entry) => name.test(entry)).map((entry) => join(folder, entry));
}

async function identityOf(pid: number): Promise<Identity> {
  return { pid, started: await startOf(pid) };
}

async function runs({ pid, started }: Identity): Promise<boolean> {
  return isAlive(pid) && (started === undefined || started === (await startOf(pid)));
}

/** Whether the owner, or the server that it ran, still exists. */
async function lives(owner: Owner, path: string, now: number): Promise<boolean> {
  if (owner.place === (await processPlace)) {
    return (await runs(owner)) || (owner.redis !== undefined && (await runs(owner.redis)));
  }
  const renewed = await stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => -Infinity,
  );
  return now - renewed < silentMs;
}

async function read(path: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Owner;
  } catch {
    // Its owner has removed it, or a power cut has emptied it.
    return undefined;
  }
}

/** Writes a lock, which other processes see either as a whole or not at all. */
async function write(path: string, owner: Owner): Promise<void> {
  const draft = `${path}.new`;
  await writeFile(draft, JSON.stringify(owner), { mode: 0o600 });
  await rename(draft, path);
}

function inUse(folder: string, { pid, host, since }: Owner): DistilleryError {
  const elsewhere = host === hostname() ? '' : ` on ${host}`;
  return new DistilleryError(
    'state_conflict',
    `the folder ${folder} is in use by process ${pid}${elsewhere} since ${since}, and two services would overwrite each ` +
      `other's jobs: stop that one (Ctrl-C in its terminal, or kill ${pid}), or choose another folder with --folder`,
  );
}
