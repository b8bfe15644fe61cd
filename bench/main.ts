/**
 * Compares training with PyTorch: the same networks on the same inputs in memory, with the same number of threads, in turn.
 * Prints the results and writes bench/RESULTS.md.
 *
 *   npm run bench -- [--rounds 3] [--steps 6] [--experiments 1] [--images 1280] [--threads 2]
 *                    [--only steps,experiment,trainers] [--networks lightnn,'resnet 20'] [--tasks plain,soft_target]
 *                    [--precisions float32,bfloat16] [--contenders ours,eager,pytorch,channels_last,torch_compile]
 *
 * Where a list selects a part, it measures and prints that part, and does not change the file. torch.compile takes part in
 * the plain step alone, because it compiles for up to a minute each time, unless --contenders names it.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pythonWith } from '../test/testing/python.ts';
import { bestPeer, compare, compareSteps, type Measured, median, ratioOf } from './compare.ts';
import { contender, type ContenderId, contenderIds } from './contender.ts';
import { writeInputs } from './inputs.ts';
import { networks, type StepTask, tasks, tutorialStudent, workOf } from './networks.ts';
import { page, ratioText, rowTitle } from './page.ts';
import { differingNetworks } from './peers/parameters.ts';
import type { Precision, Row, Work } from './protocol.ts';
import { type Beside, studentsOf, studentsPerHour } from './trainers.ts';

const lists = {
  only: ['steps', 'experiment', 'trainers'],
  networks: Object.keys(networks),
  tasks: Object.keys(tasks) as StepTask[],
  precisions: ['float32', 'bfloat16'] as Precision[],
  contenders: contenderIds,
};
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    steps: { type: 'string', default: '6' },
    // Rounds of the whole experiment, which take minutes each.
    experiments: { type: 'string', default: '1' },
    images: { type: 'string', default: '1280' },
    threads: { type: 'string', default: String(availableParallelism()) },
    only: { type: 'string' },
    networks: { type: 'string' },
    tasks: { type: 'string' },
    precisions: { type: 'string' },
    contenders: { type: 'string' },
  },
});
const rounds = whole('rounds', 1);
const steps = whole('steps', 1);
const experiments = whole('experiments', 1);
const train = whole('images', 128);
const threads = whole('threads', 1);
const parts = selected('only');
const names = selected('networks');
const chosenTasks = selected('tasks');
const ids = selected('contenders');
const wholeRun = Object.keys(lists).every((name) => values[name as keyof typeof lists] === undefined);

const [load] = loadavg();
if (load > 0.5)
  print(`Other programs are running (load average ${load.toFixed(1)}), which affects the times.`);

const found = await pythonWith(['torch', 'numpy'], 900_000);
if (found === undefined) throw new Error('the peer needs a Python with torch');
const python = found;
const differing = await differingNetworks(python);
if (differing.length > 0) throw new Error(`PyTorch's networks differ from ours: ${differing.join('; ')}`);

const folder = mkdtempSync(join(tmpdir(), 'distillery-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
// Contenders, and the compilers of torch.compile, leave nothing behind.
process.env.TMPDIR = folder;
const setup = { inputs: await writeInputs(folder, train), threads };

const refusals = await refusedPrecisions();
const precisions = selected('precisions').filter((precision) => refusals[precision] === undefined);
const begun = performance.now();
const rows: Measured[] = [];
const beside: Beside[] = [];
// A run that is interrupted shows what it has measured.
process.once('SIGINT', () => {
  print(`\n${pageOf()}`);
  process.exit(130);
});
for (const precision of precisions) {
  for (const task of parts.includes('steps') ? chosenTasks : []) {
    for (const network of names.filter((name) => task !== 'in_loop' || name === tutorialStudent)) {
      rows.push(await measured({ network, task, precision }));
    }
  }
  if (parts.includes('experiment')) {
    rows.push(await measured({ network: tutorialStudent, task: 'experiment', precision }));
  }
  for (const trainers of parts.includes('trainers') ? [1, 2, 3, 4] : []) {
    const work = workOf({ network: tutorialStudent, task: 'soft_target', precision }, setup);
    const row = await studentsPerHour(trainers, work, contendersOf(work), { rounds, python });
    const perHour = contendersOf(work).map((id) => `${id} ${studentsOf(row, id)?.toFixed(0) ?? 'refused'}`);
    told(
      `${trainers} trainers, ${precision}: ${perHour.join(', ')} students an hour, ${'refused' in row.together ? 'failed' : median(row.together).toFixed(0)} in one function of ours`,
    );
    beside.push(row);
  }
}
const text = pageOf();
print(`\n${text}`);
// Notes on the results follow them.
const notes = readFileSync(join(import.meta.dirname, 'NOTES.md'), 'utf8');
if (wholeRun) writeFileSync(join(import.meta.dirname, 'RESULTS.md'), `${text}\n${notes}`);

function pageOf(): string {
  return page({ rows, beside, refusals, steps, rounds, threads, train, load });
}

/** Measures a row with a new process for each contender, so that its peak memory is that of the row. */
async function measured(row: Row): Promise<Measured> {
  const work = workOf(row, setup);
  const processes = contendersOf(work).map((id) => [id, contender(id, work, python)] as const);
  const asked = Object.fromEntries(processes);
  try {
    const result =
      row.task === 'experiment'
        ? await compare(row, asked, { rounds: experiments, request: () => ({ steps: 0 }) })
        : await compareSteps(row, asked, { rounds, steps });
    const ratio = ratioOf(result, bestPeer(result));
    const failed = Object.entries(result.sides).filter(([, side]) => 'refused' in side);
    const outcome = ratio === undefined ? [] : [`PyTorch ÷ ours ${ratioText(ratio)}`];
    const reasons = failed.map(([id, side]) => `${id} refused: ${(side as { refused: string }).refused}`);
    told(`${rowTitle(row)}, ${row.precision}: ${[...outcome, ...reasons].join('; ')}`);
    return result;
  } finally {
    await Promise.all(processes.map(([, one]) => one.stop()));
  }
}

function contendersOf({ task }: Work): ContenderId[] {
  const everywhere = task === 'plain' || values.contenders !== undefined;
  return ids.filter((id) => everywhere || id !== 'torch_compile');
}

/** Returns the precisions that ours does not train in on this machine, with the reasons. */
async function refusedPrecisions(): Promise<Partial<Record<Precision, string>>> {
  const row = { network: tutorialStudent, task: 'plain', precision: 'bfloat16' } as const;
  const probe = contender('ours', workOf(row, setup), python);
  const answer = await probe.ask({ steps: 1 });
  await probe.stop();
  return 'refused' in answer ? { bfloat16: answer.refused } : {};
}

function selected<N extends keyof typeof lists>(name: N): (typeof lists)[N][number][] {
  const known = lists[name] as readonly (typeof lists)[N][number][];
  const given = values[name]?.split(',') ?? known;
  const unknown = given.find((one) => !known.some((allowed) => allowed === one));
  if (unknown !== undefined) throw new RangeError(`--${name} ${unknown}: it takes ${known.join(', ')}`);
  return known.filter((one) => given.some((chosen) => chosen === one));
}

function whole(name: 'rounds' | 'steps' | 'experiments' | 'images' | 'threads', least: number): number {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < least) {
    throw new RangeError(`--${name} ${values[name]}: it takes a whole number from ${least} on`);
  }
  return value;
}

function told(line: string): void {
  print(`${((performance.now() - begun) / 60_000).toFixed(1)} min  ${line}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
