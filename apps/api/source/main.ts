import { resolve } from 'node:path';
import { createLogger } from './logger.ts';
import { startApi } from './start.ts';

const { env } = process;
const log = createLogger(env.LOG_LEVEL ?? 'info');

if (!env.REDIS_URL) {
  log.fatal('REDIS_URL is not set, e.g. redis://localhost:6379');
  process.exit(1);
}
const port = Number(env.PORT ?? 8080);
if (!Number.isInteger(port) || port < 0 || port > 65535) {
  log.fatal(`PORT is not a port: ${env.PORT}`);
  process.exit(1);
}

const api = await startApi({
  redisUrl: env.REDIS_URL,
  host: env.HOST ?? '127.0.0.1',
  port,
  storeDir: resolve(env.STORE_DIR ?? 'runs/store'),
  dataDir: resolve(env.DATA_DIR ?? 'runs/data'),
  roots: (env.DATA_ROOTS ?? '')
    .split(':')
    .filter(Boolean)
    .map((path) => resolve(path)),
  env,
  volatileRedis: env.REDIS_VOLATILE === 'allow',
  log,
}).catch((error: unknown) => {
  log.fatal({ err: error }, 'the API cannot start');
  process.exit(1);
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    log.info(`${signal}: closing`);
    api.close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'closing failed');
        process.exit(1);
      },
    );
  });
}
