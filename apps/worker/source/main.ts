import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { scrub } from '@distillery/queue';
import { wholeNumber } from '@distillery/spec';
import { pino } from 'pino';
import { startWorker } from './worker.ts';

/**
 * The worker of a container: settings come from the environment.
 *
 * REDIS_URL (required), STORE_DIR, DATA_DIR, DATA_ROOTS (folders, separated by colons), TRAINERS (stages at
 * once), STALL_SECONDS (after which a silent trainer is killed), LOCK_SECONDS (after which a silent worker loses its
 * stage), GRACE_SECONDS (after which a worker that was told to leave has left), REDIS_VOLATILE (`allow`: a Redis too
 * that may lose jobs), ENGINE, LOG_LEVEL
 */
const log = pino({
  level: process.env.LOG_LEVEL ?? 'info',
  name: 'worker',
  hooks: { streamWrite: scrub },
});

try {
  const {
    REDIS_URL: redisUrl,
    STORE_DIR = 'runs/store',
    DATA_DIR = 'runs/data',
    DATA_ROOTS = '',
  } = process.env;
  if (!redisUrl) throw new Error('REDIS_URL is not set: where does the queue listen?');
  const graceSeconds = setting('GRACE_SECONDS', 1, 86_400) ?? 30;
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  const worker = await startWorker({
    redisUrl,
    storeDir: resolve(STORE_DIR),
    dataDir: resolve(DATA_DIR),
    roots: DATA_ROOTS.split(':')
      .filter((root) => root !== '')
      .map((root) => resolve(root)),
    trainers: setting('TRAINERS', 1, 64) ?? 1,
    stallSeconds: setting('STALL_SECONDS', 10, 86_400),
    lockSeconds: setting('LOCK_SECONDS', 3, 600),
    graceSeconds,
    volatileRedis: process.env.REDIS_VOLATILE === 'allow',
    log,
    version: (JSON.parse(manifest) as { version: string }).version,
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log.info(`${signal}: handing the stage back`);
      setTimeout(() => {
        log.error(
          `the stage could not be handed back within ${graceSeconds} s: another worker takes it over`,
        );
        process.exit(1);
      }, graceSeconds * 1000).unref();
      worker.close().then(
        () => process.exit(0),
        (error: unknown) => {
          log.error({ err: error }, 'could not leave in order');
          process.exit(1);
        },
      );
    });
  }
} catch (error) {
  log.fatal({ err: error }, 'the worker cannot start');
  process.exit(1);
}

function setting(name: string, least: number, most: number): number | undefined {
  return wholeNumber(name, process.env[name], { least, most });
}
