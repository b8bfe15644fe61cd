import { cpus, totalmem } from 'node:os';
import { type Measured, median, type Ratio, ratioOf, type Refused, type Side, sides } from './compare.ts';
import type { Part, Setup } from './protocol.ts';

/** The titles of the two PyTorch columns. */
const peers = { peer: 'PyTorch', tuned: 'PyTorch, tuned allocator' } as const;

interface Results {
  rows: readonly (Measured | Refused)[];
  /** The memory rows, one round each, in new processes. */
  memory: readonly Measured[];
  steps: number;
  setup: Setup;
  /** The load average of the machine before the benchmark. */
  load: number;
}

/** Renders bench/RESULTS.md. */
export function page(results: Results): string {
  const measured = results.rows.filter((row): row is Measured => !('refused' in row));
  const refused = results.rows.filter((row): row is Refused => 'refused' in row);
  return [
    '# Measured against PyTorch',
    circumstances(results, [...measured, ...results.memory]),
    ...(measured.length === 0 ? [] : ['## Time', timeTable(measured), verdicts(measured)]),
    ...notMeasured(refused),
    ...measured.filter(({ task }) => task === 'experiment').flatMap(partsTable),
    ...(results.memory.length === 0
      ? []
      : memoryTable([...results.memory, ...measured.filter(isExperiment)])),
    '## What was measured',
    explanation(results),
  ]
    .join('\n\n')
    .concat('\n');
}

function circumstances({ setup, load }: Results, measured: readonly Measured[]): string {
  const versions = measured.at(0)?.rounds.at(0);
  const { glibcVersionRuntime: glibc } = (process.report.getReport() as { header: Record<string, string> })
    .header;
  const machine = [
    `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown processor'}`,
    `${gigabytes(totalmem())} of memory`,
    glibc === undefined ? process.platform : `glibc ${glibc}`,
  ];
  return [
    `- \`npm run bench\`, ${new Date().toISOString().slice(0, 10)}, load average before it began: ${load.toFixed(1)}`,
    `- machine: ${machine.join(', ')}; ${setup.threads} threads on each side`,
    `- ours: ${versions?.ours.version}`,
    `- theirs: ${versions?.peer.version}`,
  ].join('\n');
}

function timeTable(measured: readonly Measured[]): string {
  const rows = measured.map((row) => {
    const cells = (['peer', 'tuned'] as const).flatMap((side) => [
      duration(timeOf(row, side)),
      ratioText(ratioOf(row, side)),
    ]);
    return [row.title, duration(timeOf(row, 'ours')), ...cells];
  });
  return table(['', 'ours', peers.peer, 'ratio', peers.tuned, 'ratio'], rows);
}

/** Describes the results from the numbers, so that every new run has a correct summary. */
function verdicts(measured: readonly Measured[]): string {
  const compared = measured.flatMap((row) =>
    (['peer', 'tuned'] as const).map((side) => ({ row, side, ratio: ratioOf(row, side) })),
  );
  const slower = compared.filter(({ ratio }) => ratio.high < 1);
  const level = compared.filter(({ ratio }) => ratio.low <= 1 && ratio.high >= 1);
  const lines = slower.map(
    ({ row, side, ratio }) =>
      `- ${row.title}: ${(1 / ratio.median).toFixed(2)} times as long as ${peers[side]}`,
  );
  const even = level.map(({ row, side }) => `- ${row.title}: no clear difference from ${peers[side]}`);
  return [
    'A ratio is the time of PyTorch divided by ours, the median over rounds (lowest–highest): above 1, ours is faster.',
    lines.length === 0
      ? 'Ours is slower in none of these rows.'
      : `**Where ours is slower:**\n\n${lines.join('\n')}`,
    ...(even.length === 0 ? [] : [`Too close to tell:\n\n${even.join('\n')}`]),
  ].join('\n\n');
}

/** A line for each reason. */
function notMeasured(rows: readonly Refused[]): string[] {
  return [...new Set(rows.map(({ refused }) => refused))].map((reason) => {
    const titles = rows.filter(({ refused }) => refused === reason).map(({ title }) => title);
    return `Not measured: ${titles.join('; ')}. The reason: ${reason}`;
  });
}

const isExperiment = ({ task }: Measured) => task === 'experiment';

/** Renders a row for each part of an experiment. */
function partsTable(row: Measured): string[] {
  const partsOf = (side: Side) => row.rounds.map((round) => round[side].parts ?? []);
  const names = partsOf('ours')[0].map(({ name }) => name);
  const cell = (side: Side, name: string): string[] => {
    const found = partsOf(side).flatMap((parts) => parts.filter((part) => part.name === name));
    if (found.length === 0) return ['–', ''];
    return [duration(median(found.map(({ milliseconds }) => milliseconds))), percent(found[0])];
  };
  const rows = names.map((name) => [partTitles[name] ?? name, ...sides.flatMap((side) => cell(side, name))]);
  return [
    `## The ${row.title}, part by part`,
    table(['', 'ours', 'right', peers.peer, 'right', peers.tuned, 'right'], rows),
    [
      '"Right" is the share of the test images that the network classifies correctly at the end: both sides learn the',
      'same task. With so few images it says nothing about the methods; docs/results.md has the experiment on CIFAR-10.',
    ].join('\n'),
  ];
}

const partTitles: Record<string, string> = {
  teacher: 'teacher',
  outputs: 'storing teacher outputs',
  control: 'student alone (control)',
  soft_target: 'student with soft targets',
  cosine: 'student with cosine',
  regressor: 'student with a regressor',
  report: 'report',
};

function memoryTable(measured: readonly Measured[]): string[] {
  const peak = (row: Measured, side: Side) => median(row.rounds.map((round) => round[side].peakBytes));
  const rows = measured.map((row) => [row.title, ...sides.map((side) => megabytes(peak(row, side)))]);
  const more = measured.filter((row) => peak(row, 'ours') > peak(row, 'peer')).map(({ title }) => title);
  return [
    '## Peak memory',
    table(['', 'ours', peers.peer, peers.tuned], rows),
    [
      'The peak resident memory of a separate process (VmHWM), including runtime, libraries and images.',
      more.length === 0
        ? 'Ours needs no more than PyTorch in any row.'
        : `**Ours needs more than PyTorch in:** ${more.join(', ')}.`,
    ].join('\n'),
  ];
}

function explanation({ steps, setup, rows }: Results): string {
  const experiment = rows.find((row): row is Measured => !('refused' in row) && isExperiment(row));
  const rounds =
    experiment === undefined || experiment.rounds.length === 1
      ? 'Its one round'
      : `Each of its ${experiment.rounds.length} rounds`;
  return `- **Images.** ${setup.train} for training and ${setup.test} for testing, 32×32 RGB, ten classes (\`shapes\`, seed 0), in memory on
  both sides before the clock starts: bytes on ours, normalised while it runs; float tensors on PyTorch's, which takes
  its batches as slices of them, without a DataLoader. Batches of 128, Adam 1e-3.
- **A step** is one iteration of the training loop of \`packages/training\`, and of the tutorial's: forward, loss, backward,
  Adam. A round times ${steps} of the teacher's steps, ten times as many of the student's, and takes the median.
- **The soft-target epoch** trains LightNN once over all images, T 2, .25 / .75. PyTorch runs the teacher for every batch,
  as the tutorial does; ours reads the stored logits. Storing them is not in this row, but in the whole
  experiment. Storing logits in PyTorch saves as much: then only the student step remains.
- **The whole experiment** is examples/tutorial.json with one seed: teacher, control, soft targets, cosine, regressor, ten
  epochs each, scored on the test images. Ours runs the stages of a job with a store on disk: outputs, checkpoints,
  weights and report count. All run in one process, with the decoded data set in memory. PyTorch runs
  the tutorial's loops. ${rounds} starts new processes; their start and imports do not count.
- **bfloat16** is ours with \`"precision": "bfloat16"\` beside PyTorch at its best on a CPU: channels-last memory and
  autocast. \`torch.compile\` is not used in any row.
- **PyTorch has two columns.** By default, glibc returns large blocks to the system after each use, and the next
  step requests them again, page by page, which is slow on some machines. With the tuned allocator the process keeps
  its memory (MALLOC_MMAP_THRESHOLD_, MALLOC_TRIM_THRESHOLD_, MALLOC_TOP_PAD_), as ours does.
- **Turns.** The three processes run in turn and sleep in between; a different one starts each round.`;
}

/** e.g. `2.31 (2.20–2.45)` */
export function ratioText({ median: middle, low, high }: Ratio): string {
  const spread = low === high ? '' : ` (${low.toFixed(2)}–${high.toFixed(2)})`;
  return `**${middle.toFixed(2)}**${spread}`;
}

function timeOf({ rounds }: Measured, side: Side): number {
  return median(rounds.map((round) => round[side].milliseconds));
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), `|---|${'---:|'.repeat(head.length - 1)}`, ...rows.map(line)].join('\n');
}

function duration(milliseconds: number): string {
  if (milliseconds >= 10_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${milliseconds.toFixed(milliseconds < 100 ? 1 : 0)} ms`;
}

function percent({ accuracy }: Part): string {
  return accuracy === null ? '' : `${(100 * accuracy).toFixed(1)} %`;
}

const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
const gigabytes = (bytes: number) => `${Math.round(bytes / 1e9)} GB`;
