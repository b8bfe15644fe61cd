import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { openQueue, startPrivateRedis } from '../index.ts';
import { job } from '../testing/queue.ts';

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('starts, keeps what it holds in its folder, stops and leaves no process', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'distillery-test-'));
  try {
    const first = await startPrivateRedis({ dir });
    const queue = await openQueue({ url: first.url });
    const { view } = await queue.jobs.create(job());
    await queue.close();
    await first.stop();
    await first.stop();
    expect(lives(first.pid)).toBe(false);
    expect(await readdir(dir)).toContain('appendonlydir');

    const second = await startPrivateRedis({ dir });
    const again = await openQueue({ url: second.url });
    expect((await again.jobs.get(view.id)).view).toEqual(view);
    await again.close();
    await second.stop();
    expect(lives(second.pid)).toBe(false);
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('only its own user can reach it: a password in no command line, and private files', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'distillery-test-'));
  await chmod(dir, 0o755);
  const redis = await startPrivateRedis({ dir });
  try {
    const { password, port } = new URL(redis.url);
    expect(password).toMatch(/^[0-9a-f]{64}$/);
    const stranger = new Redis({ port: Number(port), lazyConnect: true, retryStrategy: () => null });
    stranger.on('error', () => {});
    await expect(stranger.set('{distillery}:apikeys', 'forged')).rejects.toThrow(/NOAUTH/);
    stranger.disconnect();
    if (process.platform === 'linux') {
      expect(await readFile(`/proc/${redis.pid}/cmdline`, 'utf8')).not.toContain(password);
    }
    const modes: Record<string, number> = { '.': (await stat(dir)).mode & 0o777 };
    for (const name of await readdir(dir, { recursive: true })) {
      modes[name] = (await stat(join(dir, name))).mode & 0o777;
    }
    expect(Object.keys(modes).some((name) => name.endsWith('.aof'))).toBe(true);
    for (const [name, mode] of Object.entries(modes)) expect(mode & 0o077, name).toBe(0);
  } finally {
    await redis.stop();
    await rm(dir, { recursive: true });
  }
});

test('a second server in the same folder is refused before it can touch the files', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'distillery-test-'));
  const redis = await startPrivateRedis({ dir });
  try {
    await expect(startPrivateRedis({ dir })).rejects.toMatchObject({
      code: 'state_conflict',
      message: expect.stringMatching(new RegExp(`${dir} is in use by process ${process.pid} .*--folder`)),
    });
    const queue = await openQueue({ url: redis.url });
    await expect(queue.ping()).resolves.toBeUndefined();
    await queue.close();
  } finally {
    await redis.stop();
    await rm(dir, { recursive: true });
  }
});

test('two at once do not meet', async () => {
  const both = await Promise.all([startPrivateRedis(), startPrivateRedis()]);
  expect(both[0]?.url).not.toBe(both[1]?.url);
  await Promise.all(both.map((redis) => redis.stop()));
});

test('the server goes when its owner is killed', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'distillery-test-'));
  const source = `
    import { startPrivateRedis } from ${JSON.stringify(new URL('./private-redis.ts', import.meta.url).href)};
    const { pid } = await startPrivateRedis({ dir: ${JSON.stringify(dir)} });
    console.log(pid);
    setInterval(() => {}, 1000);
  `;
  const owner = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [chunk] = (await once(owner.stdout, 'data')) as [Buffer];
  const pid = Number(chunk.toString());
  expect(lives(pid)).toBe(true);
  owner.kill('SIGKILL');
  await expect.poll(() => lives(pid), { timeout: 5000 }).toBe(false);
  await rm(dir, { recursive: true });
});

test('says what is missing where there is no server', async () => {
  const path = process.env.PATH;
  process.env.PATH = tmpdir();
  try {
    await expect(startPrivateRedis()).rejects.toMatchObject({
      code: 'redis_unavailable',
      message: expect.stringContaining('REDIS_URL'),
    });
  } finally {
    process.env.PATH = path;
  }
});
