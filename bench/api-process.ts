import { type ChildProcess, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

/** Starts an API in a process of its own, which reads the data in `roots` and keeps its files below `folder`. */
export async function startApiProcess({
  folder,
  redisUrl,
  roots,
}: {
  folder: string;
  redisUrl: string;
  roots: string;
}): Promise<{ child: ChildProcess; url: string }> {
  const environment = {
    REDIS_URL: redisUrl,
    STORE_DIR: join(folder, 'store'),
    DATA_DIR: join(folder, 'cache'),
  };
  const script = resolve(import.meta.dirname, '../apps/api/source/main.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script], {
    env: { ...process.env, ...environment, DATA_ROOTS: roots, PORT: '0', LOG_LEVEL: 'info' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise<string>((done, fail) => {
    createInterface(child.stdout).on('line', (line) => {
      const [, found] = /listening at (http:\S+?)"/.exec(line) ?? [];
      if (found !== undefined) done(found);
    });
    child.once('exit', () => fail(new Error('the API ended before it was ready')));
  });
  return { child, url };
}
