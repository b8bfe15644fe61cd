/**
 * Our steps beside PyTorch's, of the same work on images in memory, with equal numbers of threads, in alternation: a
 * machine that slows down slows both. Prints medians and ratios with their spread, and writes bench/RESULTS.md.
 *
 *   npm run bench -- [--rounds 5] [--steps 12]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { pythonWith } from '../test/python.ts';

export interface Request {
  task: 'teacher' | 'student' | 'distill';
  precision: 'float32' | 'best';
  steps: number;
  threads: number;
}

interface Contender {
  ask(request: Request): Promise<{ milliseconds: number[]; version: string }>;
  stop(): void;
}

const comparisons = [
  { name: 'teacher step (DeepNN, batch 128)', task: 'teacher', precision: 'float32' },
  { name: 'student step (LightNN, batch 128)', task: 'student', precision: 'float32' },
  {
    name: 'soft-target step: teacher in the loop against stored outputs',
    task: 'distill',
    precision: 'float32',
  },
  { name: "teacher step, PyTorch's best: channels-last, bfloat16", task: 'teacher', precision: 'best' },
  { name: "student step, PyTorch's best: channels-last, bfloat16", task: 'student', precision: 'best' },
] as const;

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, steps: { type: 'string', default: '12' } },
});
const rounds = Number(values.rounds);
const steps = Number(values.steps);
const threads = availableParallelism();

const python = await pythonWith(['torch', 'numpy']);
if (python === undefined) throw new Error('the peer needs a Python with torch');
const here = import.meta.dirname;
const ours = contender(process.execPath, ['--import', 'tsx', join(here, 'ours.ts')]);
const peer = contender(python, [join(here, 'peers/pytorch.py')]);
try {
  const lines = [];
  let versions: string[] = [];
  for (const { name, task, precision } of comparisons) {
    const request = { task, precision, steps, threads };
    await ours.ask(request);
    await peer.ask(request);
    const pairs = [];
    for (let round = 0; round < rounds; round++) {
      const [a, b] = [await ours.ask(request), await peer.ask(request)];
      pairs.push({ ours: median(a.milliseconds), peer: median(b.milliseconds) });
      versions = [a.version, b.version];
    }
    const ratios = pairs.map((pair) => pair.peer / pair.ours);
    lines.push({
      name,
      ours: median(pairs.map((pair) => pair.ours)),
      peer: median(pairs.map((pair) => pair.peer)),
      ratio: median(ratios),
      low: Math.min(...ratios),
      high: Math.max(...ratios),
    });
    process.stdout.write(`${name}: ${lines.at(-1)?.ratio.toFixed(2)}\n`);
  }
  const text = results(lines, versions);
  writeFileSync(join(here, 'RESULTS.md'), text);
  process.stdout.write(`\n${text}`);
} finally {
  ours.stop();
  peer.stop();
}

type Line = { name: string; ours: number; peer: number; ratio: number; low: number; high: number };

function results(lines: Line[], versions: string[]): string {
  const rows = lines.map(
    ({ name, ours: a, peer: b, ratio, low, high }) =>
      `| ${name} | ${a.toFixed(1)} | ${b.toFixed(1)} | ${ratio.toFixed(2)} | ${low.toFixed(2)}–${high.toFixed(2)} |`,
  );
  return `# Measured against PyTorch

\`npm run bench\`, ${new Date().toISOString().slice(0, 10)}, ${cpus()[0]?.model.trim()}, ${threads} threads on both sides.
${versions.join('; ')}. Ours is float32 throughout. ${rounds} rounds in alternation of ${steps} steps each; a round's figure is the
median of its steps, the table's the median over rounds. The ratio is PyTorch's time divided by ours: above 1, ours is
faster.

| | ours, ms | PyTorch, ms | ratio | lowest–highest |
|---|---|---|---|---|
${rows.join('\n')}
`;
}

function median(numbers: number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
}

/** A process that answers each line with a line. */
function contender(command: string, args: string[]): Contender {
  const child: ChildProcess = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  if (child.stdout === null || child.stdin === null) throw new Error('the contender has no pipes');
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  const { stdin } = child;
  return {
    async ask(request) {
      stdin.write(`${JSON.stringify(request)}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error(`${command} ended early`);
      return JSON.parse(value) as { milliseconds: number[]; version: string };
    },
    stop: () => void child.kill(),
  };
}
