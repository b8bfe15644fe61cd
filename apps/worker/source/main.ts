import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pino } from 'pino';
import { startWorker } from './worker.ts';

/**
 * The worker of a container: settings come from the environment.
 *
 * REDIS_URL (required), STORE_DIR, DATA_DIR, DATA_ROOTS (folders, separated by colons), TRAINERS (stages at
 * once), STALL_SECONDS (after which a silent trainer is killed), ENGINE, LOG_LEVEL
 */
const log = pino({ level: process.env.LOG_LEVEL ?? 'info', name: 'worker' });

try {
  const {
    REDIS_URL: redisUrl,
    STORE_DIR = 'runs/store',
    DATA_DIR = 'runs/data',
    DATA_ROOTS = '',
    TRAINERS = '1',
    STALL_SECONDS = '600',
  } = process.env;
  if (!redisUrl) throw new Error('REDIS_URL is not set: where does the queue listen?');
  const trainers = Number(TRAINERS);
  if (!Number.isInteger(trainers) || trainers < 1 || trainers > 64) {
    throw new Error(`TRAINERS is ${JSON.stringify(TRAINERS)}, it must be a whole number from 1 to 64`);
  }
  const stallSeconds = Number(STALL_SECONDS);
  if (!Number.isInteger(stallSeconds) || stallSeconds < 10 || stallSeconds > 86_400) {
    throw new Error(
      `STALL_SECONDS is ${JSON.stringify(STALL_SECONDS)}, it must be a whole number from 10 to 86400`,
    );
  }
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  const worker = await startWorker({
    redisUrl,
    storeDir: resolve(STORE_DIR),
    dataDir: resolve(DATA_DIR),
    roots: DATA_ROOTS.split(':')
      .filter((root) => root !== '')
      .map((root) => resolve(root)),
    trainers,
    stallSeconds,
    log,
    version: (JSON.parse(manifest) as { version: string }).version,
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log.info(`${signal}: handing the stage back`);
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
