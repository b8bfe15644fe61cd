import { scrub } from '@distillery/queue';
import { endWith, loadConfiguration, printable } from '@distillery/spec/configuration';
import { pino } from 'pino';
import { startWorker } from './worker.ts';

const configuration = loadConfiguration('worker');
const { graceSeconds } = configuration;
const log = pino({ level: configuration.logLevel, name: 'worker', hooks: { streamWrite: scrub } });
log.debug({ configuration: printable('worker', configuration) }, 'configuration');

try {
  const worker = await startWorker({ ...configuration, log });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log.info(`${signal}: handing the running stages back`);
      setTimeout(() => {
        log.error(
          `a stage was not handed back within ${graceSeconds} s; another worker will take it after the lock timeout`,
        );
        process.exit(1);
      }, graceSeconds * 1000).unref();
      worker.close().then(
        () => process.exit(0),
        (error: unknown) => {
          log.error({ err: error }, 'closing failed');
          process.exit(1);
        },
      );
    });
  }
} catch (error) {
  log.debug({ err: error }, 'the worker cannot start');
  endWith('worker', error);
}
