import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createClient } from '@distillery/client';
import { privateQueue } from '@distillery/queue/testing';
import { sha256 } from '@distillery/spec';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';

// A file on the web, fetched by a service that is killed in the middle.

const held = privateQueue();
let folder: string;
const apis = new Set<ChildProcess>();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-fetched-'));
});
afterAll(async () => {
  for (const api of apis) api.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

/** Starts an API as a process of its own, and returns it with its URL. */
async function startApi(): Promise<{ api: ChildProcess; url: string }> {
  const api = spawn(process.execPath, [join(inject('built'), 'apps/api/source/main.js')], {
    env: {
      ...process.env,
      REDIS_URL: held.redis.url,
      REDIS_VOLATILE: 'allow',
      DISTILLERY_FOLDER: folder,
      PORT: '0',
      LOG_LEVEL: 'info',
      FETCH_NETWORKS: '127.0.0.1',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  apis.add(api);
  const url = await new Promise<string>((resolve) => {
    let text = '';
    api.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const [found] = /http:\/\/127\.0\.0\.1:\d+/.exec(text) ?? [];
      if (found !== undefined) resolve(found);
    });
  });
  return { api, url };
}

test('a service that is killed while it fetches goes on behind what has come', {
  timeout: 120_000,
}, async () => {
  const rows = Array.from({ length: 60_000 }, (_, i) => `${i / 7},${i % 2 ? 'odd' : 'even'}`);
  const file = Buffer.from(`x,label\n${rows.join('\n')}\n`);
  const ranges: (string | undefined)[] = [];
  const host = createServer(({ headers }, response) => {
    ranges.push(headers.range);
    const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
    response.writeHead(start > 0 ? 206 : 200, {
      'last-modified': new Date(0).toUTCString(),
      'content-length': file.length - start,
      ...(start > 0 && { 'content-range': `bytes ${start}-${file.length - 1}/${file.length}` }),
    });
    if (ranges.length > 1) return void response.end(file.subarray(start));
    // The first response comes slowly, so that the service dies in the middle.
    let at = 0;
    const timer = setInterval(() => response.write(file.subarray(at, (at += 2000))), 50);
    response.on('close', () => clearInterval(timer));
  });
  await new Promise<void>((listening) => host.listen(0, '127.0.0.1', listening));
  const address = `http://127.0.0.1:${(host.address() as AddressInfo).port}/numbers.csv`;
  try {
    const first = await startApi();
    const begun = await createClient(first.url).datasets.fetch(address, {}, { early: true });
    expect(begun).toMatchObject({
      state: 'fetching',
      source: null,
      file: { name: 'numbers.csv', digest: null },
    });
    const received = async () => (await createClient(first.url).datasets.get(begun.id)).received ?? 0;
    await expect.poll(received, { timeout: 30_000 }).toBeGreaterThan(0);
    const stored = await received();
    first.api.kill('SIGKILL');
    await once(first.api, 'exit');

    // The program asks for the same file, and waits for what is under way.
    const { api, url } = await startApi();
    const main = join(inject('built'), 'apps/cli/source/main.js');
    const env = { ...process.env, DISTILLERY_URL: url, NO_COLOR: '1' };
    const { stdout } = await promisify(execFile)(process.execPath, [main, 'dataset', 'add', address], {
      env,
    });
    expect(stdout).toContain(`"dataset": {"source": "uploaded", "id": "${begun.id}"}`);
    expect(stdout).toContain(`from ${address}`);
    expect(await createClient(url).datasets.get(begun.id)).toMatchObject({
      state: 'ready',
      file: { size: file.length, digest: sha256(file) },
    });
    expect(ranges).toHaveLength(2);
    expect(Number(/^bytes=(\d+)-$/.exec(ranges[1] ?? '')?.[1])).toBeGreaterThanOrEqual(stored);

    const wrong = promisify(execFile)(
      process.execPath,
      [main, 'dataset', 'add', address, '--sha256', '0'.repeat(64)],
      { env },
    );
    await expect(wrong).rejects.toMatchObject({ stdout: expect.stringContaining('SHA-256 of the file is') });
    api.kill('SIGTERM');
    await once(api, 'exit');
  } finally {
    host.closeAllConnections();
    host.close();
  }
});
