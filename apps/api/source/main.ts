import { endWith, loadConfiguration, printable } from '@distillery/spec/configuration';
import { createLogger } from './logger.ts';
import { startApi } from './start.ts';

const configuration = loadConfiguration('api');
const log = createLogger(configuration.logLevel);
log.debug({ configuration: printable('api', configuration) }, 'configuration');

const starting = startApi({ ...configuration, log });
// Before the API listens: a supervisor that sees it listen may end it at once.
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    log.info(`${signal}: closing`);
    starting
      .then((api) => api.close())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          log.error({ err: error }, 'closing failed');
          process.exit(1);
        },
      );
  });
}
try {
  await starting;
} catch (error) {
  log.debug({ err: error }, 'the API cannot start');
  endWith('api', error);
}
