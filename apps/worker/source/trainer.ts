/**
 * The trainer: a child process that runs one stage (or, with `--probe`, tells which engine starts here and how fast it
 * is). Training blocks its event loop, and native code can take the process down: neither may touch the supervisor,
 * which holds the queue's lock.
 */
import { setImmediate } from 'node:timers/promises';
import { openStore } from '@distillery/store';
import { measureGigaflops, startEngine } from '@distillery/engine';
import { asDistilleryError, DistilleryError } from '@distillery/spec';
import { readConfiguration } from '@distillery/spec/configuration';
import { loadPlugins, runStage, StopTraining } from '@distillery/training';
import type { FromTrainer, Task, ToTrainer } from './messages.ts';
import { wasRefusedMemory } from './out-of-memory.ts';

/** Between two signs of life, ms. */
const beatMs = 2000;

/** Aborted when the supervisor asks for the stage to stop; loading, training and evaluating all end by it. */
const stop = new AbortController();
const askToStop = () => stop.abort(new StopTraining('the stage was asked to stop'));
let finished = false;
// Ctrl-C reaches the whole process group; the supervisor decides what it means for a trainer.
process.on('SIGINT', () => {});
process.on('SIGTERM', askToStop);
// A trainer whose supervisor is gone has nobody to write for.
process.on('disconnect', () => process.exit(finished ? 0 : 1));
process.on('message', ({ task }: ToTrainer) => void answer(() => train(task)));
if (process.argv.includes('--probe')) void answer(probe);

/** Sends what `work` returns or why it failed, then ends the process once the message has left. */
async function answer(work: () => Promise<FromTrainer>): Promise<void> {
  let last: FromTrainer;
  try {
    last = await work();
  } catch (error) {
    if (error instanceof StopTraining) last = { type: 'stopped' };
    else {
      const { code, message, stack, cause } = typed(error);
      last = { type: 'failed', code, message, stack: `${stack}${describeCause(cause)}` };
    }
  }
  process.send?.(last, () => {
    finished = true;
    process.disconnect();
  });
}

/** Engines throw plain errors when they are refused memory. */
function typed(error: unknown): DistilleryError {
  const known = asDistilleryError(error);
  if (known.code !== 'internal' || !wasRefusedMemory(known.message)) return known;
  const said = known.message.replace(/^Invalid TF_Status: \d+\s+Message: /, '');
  return new DistilleryError(
    'out_of_memory',
    `the trainer was refused memory: ${said}; a smaller training.batchSize or network needs less`,
    { cause: error },
  );
}

function describeCause(cause: unknown): string {
  return cause instanceof Error ? `\ncaused by ${cause.stack}${describeCause(cause.cause)}` : '';
}

async function probe(): Promise<FromTrainer> {
  const engine = await startEngine();
  return { type: 'engine', engine: { ...engine, gigaflops: measureGigaflops() } };
}

async function train({ storeDir, dataDir, roots, ...task }: Task): Promise<FromTrainer> {
  await loadPlugins(readConfiguration('trainer', process.env).plugins);
  const engine = await startEngine();
  let yielded = performance.now();
  let beaten = yielded;
  // Until the first step there is no loop to hear from; a step that hangs in native code stops this timer too.
  const loading = setInterval(() => send({ type: 'alive' }), beatMs);
  loading.unref();
  const result = await runStage({
    ...task,
    engine,
    store: await openStore(storeDir, { warn: (message) => send({ type: 'warning', message }) }),
    data: {
      cacheDir: dataDir,
      roots,
      progress: (message) => send({ type: 'log', line: { source: 'trainer', level: 'info', message } }),
    },
    tell: {
      metrics: (row) => send({ type: 'metrics', row }),
      progress: (progress) => send({ type: 'progress', progress }),
      warning: (message) => send({ type: 'warning', message }),
      skipped: (data) => send({ type: 'skipped', data }),
      checkpoint: (saved) => send({ type: 'checkpoint', saved }),
    },
    signal: stop.signal,
    async pause() {
      // Messages and signals are read between steps, but not between very short ones.
      if (performance.now() - yielded < 20) return;
      await setImmediate();
      yielded = performance.now();
      clearInterval(loading);
      if (yielded - beaten >= beatMs) {
        send({ type: 'alive' });
        beaten = yielded;
      }
      stop.signal.throwIfAborted();
    },
  });
  clearInterval(loading);
  return { type: 'done', result };
}

function send(message: FromTrainer): void {
  process.send?.(message);
}
