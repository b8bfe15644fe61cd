/**
 * Runs jobs on several workers while it kills and freezes trainers, workers, API and Redis, cuts networks and fills the
 * disk. Then it checks every promise. Exit code 1 means that one was broken; then the folder with logs and store stays.
 *
 *   npm run test:chaos -- [--minutes 15] [--seed 1] [--workers 3] [--jobs 24] [--different 18] [--most 1000000]
 *                         [--pause 1000,5000] [--store folder]
 *
 * jobs: unfinished at a time; different: the number of different jobs; most: in total; pause: the shortest and longest
 * pause between two faults, in ms; store: folder, or bucket for one of a server with the interface of S3 that fails, too.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chaos, type ChaosOutcome, tidy } from './run.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '15' },
    seed: { type: 'string', default: '1' },
    workers: { type: 'string', default: '3' },
    jobs: { type: 'string', default: '24' },
    different: { type: 'string', default: '18' },
    most: { type: 'string', default: '1000000' },
    pause: { type: 'string', default: '1000,5000' },
    store: { type: 'string', default: 'folder' },
  },
});

const number = (name: keyof typeof values, from = 1) => {
  const value = Number(values[name]);
  if (!Number.isFinite(value) || value < from)
    throw new RangeError(`--${name} must be a number from ${from}`);
  return value;
};
const [least = 1000, largest = 5000] = values.pause.split(',').map(Number);
const seed = number('seed', 0);
const open = number('jobs');
const outcome = await chaos({
  built: resolve(import.meta.dirname, '../../built'),
  seed,
  minutes: number('minutes', 0),
  least: { jobs: 1, faults: 1 },
  workers: number('workers'),
  store: values.store === 'bucket' ? 'bucket' : 'folder',
  open,
  most: number('most'),
  different: number('different'),
  pauseMs: [least, largest],
  // Two minutes, and half a minute for each unfinished job.
  patienceMs: 120_000 + open * 30_000,
  log: (line) => process.stdout.write(`${line}\n`),
});
process.stdout.write(`\n${summary(outcome)}\n`);
if (outcome.violations.length === 0) await tidy(outcome);
process.exit(outcome.violations.length === 0 ? 0 : 1);

function summary(result: ChaosOutcome): string {
  const counted = (counts: Record<string, number>) =>
    Object.entries(counts)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, count]) => `${name} ${count}`)
      .join(', ') || 'none';
  const faults = Object.values(result.faults).reduce((sum, count) => sum + count, 0);
  return [
    `seed                ${seed}`,
    `minutes of faults   ${result.minutes.toFixed(1)}`,
    `faults              ${faults}: ${counted(result.faults)}`,
    `control requests    ${counted(result.controls)}`,
    `jobs accepted       ${result.accepted}, ${result.deleted} of them deleted; the others: ${counted(result.states)}`,
    `ends before a retry ${counted(result.ends)}`,
    `attempts            ${result.attempts} of ${result.stages} stages`,
    `API responses       ${counted(result.answers)}`,
    `removed beside jobs ${result.collected} blobs of deleted jobs`,
    `removed by sweep    ${result.swept.blobs} blobs, ${result.swept.checkpoints} checkpoints`,
    `unexpected exits    ${result.unexpectedExits.length}${result.unexpectedExits.map((line) => `\n  ${line}`).join('')}`,
    `violations          ${result.violations.length}`,
    ...result.violations.map(({ what, where }) => `  ${where}: ${what}`),
    ...(result.violations.length === 0 ? [] : [`kept: ${result.folder}`]),
  ].join('\n');
}
