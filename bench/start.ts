/**
 * Measures the start of a trainer from TypeScript with tsx and from built JavaScript, from spawn to first message, in turn.
 * `modules` ends when all modules are loaded (the trainer refuses an unknown engine); `engine` ends when the engine has
 * started and multiplied a few matrices.
 *
 *   npm run bench:start -- [--runs 9]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { runs: { type: 'string', default: '9' } } });
const runs = Number(values.runs);

const root = resolve(import.meta.dirname, '..');
const forms = {
  tsx: { path: `${root}/apps/worker/source/trainer.ts`, execArgv: ['--import', import.meta.resolve('tsx')] },
  built: { path: `${root}/built/apps/worker/source/trainer.js`, execArgv: [] },
};
const ends = { modules: { ENGINE: 'none' }, engine: {} };

/** Returns the milliseconds from spawn to first message. */
async function start(
  { path, execArgv }: (typeof forms)['tsx'],
  env: Record<string, string>,
): Promise<number> {
  const begun = performance.now();
  const child = fork(path, ['--probe'], {
    execArgv,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const exit = once(child, 'exit');
  await Promise.race([once(child, 'message'), exit.then(() => Promise.reject(new Error(`${path} ended`)))]);
  const ms = performance.now() - begun;
  await exit;
  return ms;
}

function summary(times: number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  const seconds = (ms: number) => (ms / 1000).toFixed(2);
  const median = sorted[Math.floor(sorted.length / 2)];
  return `${seconds(median)} s (${seconds(sorted[0])} to ${seconds(sorted.at(-1) ?? 0)})`;
}

for (const [end, env] of Object.entries(ends)) {
  const times: Record<string, number[]> = { tsx: [], built: [] };
  for (let run = 0; run <= runs; run++) {
    for (const [form, program] of Object.entries(forms)) {
      const ms = await start(program, env);
      // The first run fills the caches of the disk and tsx.
      if (run > 0) times[form].push(ms);
    }
  }
  for (const [form, all] of Object.entries(times)) {
    console.log(`${end.padEnd(8)} ${form.padEnd(6)} median of ${runs}: ${summary(all)}`);
  }
}
