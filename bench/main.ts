/**
 * Compares training with PyTorch: the same work on the same images in memory, with the same number of threads, in turn.
 * Prints the results and writes bench/RESULTS.md.
 *
 *   npm run bench -- [--rounds 5] [--steps 8] [--experiments 1] [--images 1280] [--threads 2]
 *                    [--only a,b,c,d,e,memory]
 *
 * With --only, it measures and prints a part, and does not change the file.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pythonWith } from '../test/testing/python.ts';
import { trainerEnvironment } from '@distillery/worker/trainer-environment';
import {
  type Ask,
  type Comparison,
  compare,
  comparisons,
  type Each,
  type Measured,
  ratioOf,
  type Refused,
} from './compare.ts';
import { type Contender, contender } from './contender.ts';
import { drawImages, writeImages } from './images.ts';
import { page, ratioText } from './page.ts';
import type { Setup } from './protocol.ts';
import { batchSize } from './steps.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    steps: { type: 'string', default: '8' },
    // Rounds of the whole experiment, which take minutes each.
    experiments: { type: 'string', default: '1' },
    images: { type: 'string', default: '1280' },
    threads: { type: 'string', default: String(availableParallelism()) },
    only: { type: 'string' },
  },
});
const rounds = whole('rounds', 1);
const steps = whole('steps', 1);
const experiments = whole('experiments', 1);
const train = whole('images', batchSize);
const threads = whole('threads', 1);
const only = values.only?.split(',');
const known = [...new Set(comparisons.map(({ id }) => id)), 'memory'];
const unknown = only?.find((id) => !known.includes(id));
if (unknown !== undefined) throw new RangeError(`--only ${unknown}: it takes ${known.join(', ')}`);

const [load] = loadavg();
if (load > 0.5) {
  process.stdout.write(
    `Something else is running here (load average ${load.toFixed(1)}): the figures will tell of it.\n`,
  );
}

const python = await pythonWith(['torch', 'numpy'], 900_000);
if (python === undefined) throw new Error('the peer needs a Python with torch');
const folder = mkdtempSync(join(tmpdir(), 'distillery-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
process.once('SIGINT', () => process.exit(130));

const dataset = await drawImages(train, train >> 1);
const file = join(folder, 'images');
await writeImages(file, dataset);
const setup: Setup = { file, train, test: train >> 1, normalization: dataset.normalization!, threads };

const ours = ['--import', 'tsx', join(import.meta.dirname, 'ours.ts'), JSON.stringify(setup)];
const peer = [join(import.meta.dirname, 'peers/pytorch.py'), JSON.stringify(setup)];
const start: Each<() => Contender> = {
  // The allocator settings of a trainer.
  ours: () => contender(process.execPath, ours, environment(trainerEnvironment)),
  peer: () => contender(python, peer, environment({})),
  tuned: () => contender(python, peer, environment(trainerEnvironment)),
};

const chosen = comparisons.filter(({ id }) => only?.includes(id) ?? true);
const rows = await compareWarm(chosen.filter(({ task }) => task !== 'experiment'));
for (const comparison of chosen.filter(({ task }) => task === 'experiment')) {
  rows.push(told(await compare(comparison, fresh(start), { rounds: experiments, steps })));
}
const memory: Measured[] = [];
for (const comparison of comparisons.filter(({ id }) => id === 'a' || id === 'b')) {
  if (!(only?.includes('memory') ?? true)) break;
  memory.push((await compare(comparison, fresh(start), { rounds: 1, steps })) as Measured);
}
const text = page({ rows, memory, steps, setup, load });
process.stdout.write(`\n${text}`);
// Notes on the results follow them.
const notes = readFileSync(join(import.meta.dirname, 'NOTES.md'), 'utf8');
if (only === undefined) writeFileSync(join(import.meta.dirname, 'RESULTS.md'), `${text}\n${notes}`);

/** Measures steps and epochs in long-running processes. */
async function compareWarm(comparisons: readonly Comparison[]): Promise<(Measured | Refused)[]> {
  if (comparisons.length === 0) return [];
  const sides = each(start, (begin) => begin());
  const ask = each(
    sides,
    (side): Ask =>
      (request) =>
        side.ask(request),
  );
  const rows: (Measured | Refused)[] = [];
  try {
    for (const comparison of comparisons) {
      // A warm-up round, which allocates memory and compiles kernels.
      const first = await compare(comparison, ask, { rounds: 1, steps: Math.min(steps, 3) });
      rows.push(told('refused' in first ? first : await compare(comparison, ask, { rounds, steps })));
    }
  } finally {
    await Promise.all(Object.values(sides).map((side) => side.stop()));
  }
  return rows;
}

/** Starts a new process for every request. */
function fresh(start: Each<() => Contender>): Each<Ask> {
  return each(start, (begin) => async (request) => {
    const side = begin();
    try {
      return await side.ask(request);
    } finally {
      await side.stop();
    }
  });
}

function each<T, U>(of: Each<T>, map: (value: T) => U): Each<U> {
  return { ours: map(of.ours), peer: map(of.peer), tuned: map(of.tuned) };
}

/** Removes the allocator settings of this process, so that the sides differ only in the given variables. */
function environment(allocator: Record<string, string>): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('MALLOC_'));
  const count = String(threads);
  return {
    ...Object.fromEntries(inherited),
    TMPDIR: folder,
    // PyTorch runs on the CPU, too.
    ENGINE: 'native',
    OMP_NUM_THREADS: count,
    TF_NUM_INTRAOP_THREADS: count,
    ...allocator,
  };
}

function told<T extends Measured | Refused>(row: T): T {
  const text =
    'refused' in row
      ? `left out: ${row.refused}`
      : `ratio ${ratioText(ratioOf(row, 'peer'))}, with the tuned allocator ${ratioText(ratioOf(row, 'tuned'))}`;
  process.stdout.write(`${row.title}: ${text}\n`);
  return row;
}

function whole(name: 'rounds' | 'steps' | 'experiments' | 'images' | 'threads', least: number): number {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < least) {
    throw new RangeError(`--${name} ${values[name]}: it takes a whole number from ${least} on`);
  }
  return value;
}
