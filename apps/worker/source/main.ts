import { forkModule } from '@distillery/engine/program';
import { scrub } from '@distillery/queue';
import { endWith, environmentOf, loadConfiguration, printable } from '@distillery/spec/configuration';
import { pino } from 'pino';
import { runPinnedWorkers } from './pinned-workers.ts';
import { startWorker } from './worker.ts';

const configuration = loadConfiguration('worker');
const { graceSeconds, gpus, ...settings } = configuration;
const log = pino({ level: configuration.logLevel, name: 'worker', hooks: { streamWrite: scrub } });
log.debug({ configuration: printable('worker', configuration) }, 'configuration');

try {
  if (gpus === undefined) await runWorker();
  else process.exit(await runOneForEachGpu(gpus));
} catch (error) {
  log.debug({ err: error }, 'the worker cannot start');
  endWith('worker', error);
}

async function runWorker(): Promise<void> {
  const worker = await startWorker({ ...configuration, log });
  const leave = (why: string) => {
    log.info(`${why}: handing the running stages back`);
    setTimeout(() => {
      log.error(
        `a stage was not handed back within ${graceSeconds} s; another worker will take it after the lock timeout`,
      );
      process.exit(1);
    }, graceSeconds * 1000).unref();
    worker.close().then(() => process.exit(0), failedToClose);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => leave(signal));
  // A worker of one GPU: without the process that started it, no SIGTERM would reach it.
  if (process.connected) process.once('disconnect', () => leave('the supervisor is gone'));
  worker.idle.then(() => process.exit(0), failedToClose);
}

function failedToClose(error: unknown): void {
  log.error({ err: error }, 'closing failed');
  process.exit(1);
}

function runOneForEachGpu(names: readonly string[]): Promise<number> {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  // A worker that falls back to the processor would leave its GPU idle without a word.
  const engine = settings.engine === 'auto' ? 'gpu' : settings.engine;
  const variables = environmentOf('worker', { ...settings, graceSeconds, engine });
  const start = (own: Record<string, string>) =>
    forkModule(import.meta.resolve('@distillery/worker/main'), [], {
      // The variables have STORE, beside which no other way to name it may be set.
      env: { ...process.env, STORE_DIR: '', ...variables, ...own, GPUS: '' },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
  const graceMs = (graceSeconds + 5) * 1000;
  return runPinnedWorkers({ gpus: names, start, log, graceMs }, stop.signal);
}
