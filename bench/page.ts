import { cpus, totalmem } from 'node:os';
import { bestPeer, type Measured, median, type Ratio, ratioOf, ratioOver, sideOf } from './compare.ts';
import { type ContenderId, contenderIds, contenders, peers } from './contender.ts';
import { tasks } from './networks.ts';
import type { Part, Precision, Row, Task } from './protocol.ts';
import { type Beside, studentsOf } from './trainers.ts';

interface Results {
  rows: readonly Measured[];
  beside: readonly Beside[];
  /** The precisions that this machine does not train in, with the reasons. */
  refusals: Partial<Record<Precision, string>>;
  rounds: number;
  steps: number;
  threads: number;
  /** The number of training images. */
  train: number;
  /** The load average of the machine before the benchmark. */
  load: number;
}

const titles: Record<Task, string> = {
  ...(Object.fromEntries(Object.entries(tasks).map(([task, { title }]) => [task, title])) as Record<
    keyof typeof tasks,
    string
  >),
  experiment: 'whole experiment',
};

/** e.g. `resnet 20, plain step` */
export function rowTitle({ network, task }: Row): string {
  return task === 'experiment' ? titles[task] : `${network}, ${titles[task]}`;
}

/** Renders bench/RESULTS.md. */
export function page(results: Results): string {
  const { rows, beside, refusals } = results;
  const precisions = [...new Set([...rows, ...beside].map(({ precision }) => precision))];
  return [
    '# Measured against PyTorch',
    circumstances(results),
    ...precisions.flatMap((precision) => {
      const own = rows.filter((row) => row.precision === precision);
      const trainers = beside.filter((row) => row.precision === precision);
      return [
        ...(own.length === 0 ? [] : [`## Time and memory, ${precision}`, timeTable(own), ...failures(own)]),
        ...own.filter(({ task }) => task === 'experiment').flatMap(partsTable),
        ...(trainers.length === 0 ? [] : trainersTable(trainers)),
      ];
    }),
    ...Object.entries(refusals).map(([precision, reason]) => `${precision} was not measured: ${reason}`),
    ...(rows.length === 0 ? [] : ['## In short', verdicts(rows)]),
    '## What was measured',
    explanation(results),
  ]
    .join('\n\n')
    .concat('\n');
}

function circumstances({ threads, load, rows }: Results): string {
  const version = (ids: readonly ContenderId[]) =>
    rows.flatMap((row) => ids.map((id) => sideOf(row, id)?.version)).find((found) => found !== undefined);
  const named = (whose: string, found: string | undefined) =>
    found === undefined ? [] : [`- ${whose}: ${found}`];
  const { glibcVersionRuntime: glibc } = (process.report.getReport() as { header: Record<string, string> })
    .header;
  const machine = [
    `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown processor'}`,
    `${gigabytes(totalmem())} of memory`,
    glibc === undefined ? process.platform : `glibc ${glibc}`,
  ];
  return [
    `- \`npm run bench\`, ${new Date().toISOString().slice(0, 10)}, load average before it began: ${load.toFixed(1)}`,
    `- machine: ${machine.join(', ')}; ${threads} threads on each side`,
    ...named('ours', version(['ours', 'eager'])),
    ...named('theirs', version(peers)),
  ].join('\n');
}

const columns = contenderIds.map((id) => contenders[id].title);

function timeTable(rows: readonly Measured[]): string {
  const memory = ['memory: ours', 'PyTorch'];
  const groups = [...new Set(rows.map(({ task }) => task))].flatMap((task) => [
    [`**${titles[task]}**`, ...Array.from({ length: columns.length + memory.length + 1 }, () => '')],
    ...rows.filter((row) => row.task === task).map(timeCells),
  ]);
  return table(['', ...columns, ...memory, 'PyTorch ÷ ours'], groups);
}

function timeCells(row: Measured): string[] {
  const best = bestPeer(row);
  const times = contenderIds.map((id) => {
    const side = sideOf(row, id);
    if (side === undefined) return row.sides[id] === undefined ? '–' : 'failed';
    const time = duration(median(side.milliseconds));
    return id === best ? `**${time}**` : time;
  });
  const ratio = ratioOf(row, best);
  const memory = [peakOf(row, ['ours']), peakOf(row, peers)];
  return [
    row.network,
    ...times,
    ...memory.map((bytes) => (bytes === undefined ? '–' : megabytes(bytes))),
    ratio === undefined ? '–' : ratioText(ratio),
  ];
}

/** Returns the least peak memory of several contenders. */
function peakOf(row: Measured, ids: readonly ContenderId[]): number | undefined {
  const peaks = ids.flatMap((id) => sideOf(row, id)?.peakBytes ?? []);
  return peaks.length === 0 ? undefined : Math.min(...peaks);
}

/** A line for each reason. */
function failures(rows: readonly Measured[]): string[] {
  const failed = rows.flatMap((row) =>
    Object.entries(row.sides).flatMap(([id, side]) =>
      'refused' in side
        ? [{ reason: side.refused, what: `${rowTitle(row)}, ${contenders[id as ContenderId].title}` }]
        : [],
    ),
  );
  return [...new Set(failed.map(({ reason }) => reason))].map((reason) => {
    const what = failed.filter((failure) => failure.reason === reason).map((failure) => failure.what);
    return `Failed: ${what.join('; ')}. The reason: ${reason}`;
  });
}

/** Describes the results from the numbers, so that every new run has a correct summary. */
function verdicts(rows: readonly Measured[]): string {
  const against = (idOf: (row: Measured) => ContenderId | undefined, is: (ratio: Ratio) => boolean) =>
    grouped(
      rows.flatMap((row) => {
        const ratio = ratioOf(row, idOf(row));
        return ratio !== undefined && is(ratio)
          ? [{ row, what: `${row.network} ${ratio.median.toFixed(2)}` }]
          : [];
      }),
    );
  const more = grouped(
    rows.flatMap((row) => {
      const [ours, theirs] = [peakOf(row, ['ours']), peakOf(row, peers)];
      if (ours === undefined || theirs === undefined || ours <= theirs) return [];
      return [{ row, what: `${row.network} ${(ours / theirs).toFixed(2)} times` }];
    }),
  );
  return [
    '"PyTorch ÷ ours" is the time of PyTorch\'s fastest way, in bold, divided by ours: the median over rounds (lowest–highest).',
    "Above 1, ours is faster. Memory is the peak of the resident memory; of PyTorch's ways the one that needs least.",
    '',
    list(
      'Ours is slower than the fastest PyTorch',
      against(bestPeer, ({ high }) => high < 1),
    ),
    list(
      'Too close to tell',
      against(bestPeer, ({ low, high }) => low <= 1 && high >= 1),
    ),
    list(
      'Ours is slower compiled than eager',
      against(
        () => 'eager',
        ({ high }) => high < 1,
      ),
    ),
    list('Ours needs more memory than PyTorch', more),
  ].join('\n');
}

function list(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? `**${title}:** nowhere.\n` : `**${title}:**\n\n${lines.join('\n')}\n`;
}

/** A line for each task and precision. */
function grouped(found: readonly { row: Row; what: string }[]): string[] {
  const keyOf = ({ task, precision }: Row) => `${titles[task]}, ${precision}`;
  return [...new Set(found.map(({ row }) => keyOf(row)))].map((key) => {
    const own = found.filter(({ row }) => keyOf(row) === key).map(({ what }) => what);
    return `- ${key}: ${own.join(', ')}`;
  });
}

/** Renders a row for each part of an experiment. */
function partsTable(row: Measured): string[] {
  const ids = contenderIds.filter((id) => sideOf(row, id) !== undefined);
  const partsOf = (id: ContenderId) => sideOf(row, id)?.parts ?? [];
  const parts = ids.map((id) => partsOf(id)[0]).sort((a, b) => b.length - a.length);
  const cell = (id: ContenderId, name: string): string[] => {
    const found = partsOf(id).flatMap((each) => each.filter((part) => part.name === name));
    if (found.length === 0) return ['–', ''];
    return [duration(median(found.map(({ milliseconds }) => milliseconds))), percent(found[0])];
  };
  const rows = (parts[0] ?? []).map(({ name }) => [
    partTitles[name] ?? name,
    ...ids.flatMap((id) => cell(id, name)),
  ]);
  return [
    `### The whole experiment, ${row.precision}, part by part`,
    table(['', ...ids.flatMap((id) => [contenders[id].title, 'right'])], rows),
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

function trainersTable(rows: readonly Beside[]): string[] {
  const cells = rows.map((row) => {
    const ours = row.sides.ours;
    const best = peers
      .filter((id) => studentsOf(row, id) !== undefined)
      .sort((a, b) => studentsOf(row, b)! - studentsOf(row, a)!)
      .at(0);
    const theirs = best === undefined ? undefined : row.sides[best];
    const both = Array.isArray(ours) && Array.isArray(theirs);
    const ratio = both ? ratioText(ratioOver(ours.map((rate, round) => rate / theirs[round]))) : '–';
    const perHour = contenderIds.map((id) => {
      const students = studentsOf(row, id)?.toFixed(0);
      if (students === undefined) return row.sides[id] === undefined ? '–' : 'failed';
      return id === best ? `**${students}**` : students;
    });
    return [
      `${row.trainers}, with ${row.threads} ${row.threads === 1 ? 'thread' : 'threads'} each`,
      ...perHour,
      ratio,
      'refused' in row.together ? 'failed' : median(row.together).toFixed(0),
    ];
  });
  return [
    `## Students per hour of a worker, ${rows[0].precision}`,
    table(['trainers', ...columns, 'ours ÷ PyTorch', 'ours in one function'], cells),
  ];
}

function explanation({ steps, rounds, train, rows, beside }: Results): string {
  const experiment = rows.find(({ task }) => task === 'experiment');
  const times =
    experiment === undefined
      ? 1
      : Math.max(...contenderIds.map((id) => sideOf(experiment, id)?.milliseconds.length ?? 0));
  return `- **Inputs.** ${train} for training, 32×32 RGB (\`shapes\`, seed 0) or texts of 32 to 128 tokens out of 8,192, padded to 128; ten
  classes. They are in memory on both sides before the clock starts: bytes on ours, normalised while it runs; float tensors on
  PyTorch's, which takes its batches as slices of them, without a DataLoader. Batches of 128 for lightnn and deepnn, of 64 for the
  others; Adam 1e-3. Both sides have the same layers, which test/python/networks.test.ts compares number by number.
- **A step** is one iteration of the training loop of \`packages/training\`, and of the usual loop of PyTorch: forward, loss, backward, Adam.
  A round times ${steps} steps or as many as fill half a second, after two that do not count, and takes the median. There are ${rounds}
  rounds after one that does not count, in which memory is allocated and torch.compile compiles (20 to 60 s).
- **The plain step** has cross-entropy alone. **Soft targets** add .75 of it to .25 of the divergence at T = 2. Ours reads the logits of
  the teacher from the store; PyTorch gets them as a tensor that is ready, which favours PyTorch. **With the teacher in the loop**
  PyTorch computes deepnn for every batch, as the tutorial does, and ours reads the stored logits.
- **Features** are attention transfer (weight 1000) on all stages with cross-entropy, and hidden states of all layers for transformers,
  which PyTorch's fused attention can give, unlike attention scores. The teacher is a larger network of the family, for transformers
  one of the same width. Ours reads its maps from the store, as float16; PyTorch gets one batch of maps as tensors that are ready,
  which favours PyTorch.
- **Ours** runs a step as one function of TensorFlow (\`STEP=compiled\`); eager is \`STEP=eager\`.
- **PyTorch** runs as it comes (NCHW), with channels-last memory, and with \`torch.compile\` on top of that. bfloat16 is autocast there,
  \`"precision": "bfloat16"\` here. \`torch.compile\` takes part in the plain step alone: it compiles anew for every row, which would
  take longer than all other measurements.
- **Both sides keep their memory** (MALLOC_MMAP_THRESHOLD_, MALLOC_TRIM_THRESHOLD_, MALLOC_TOP_PAD_), as our trainers do. By default,
  glibc returns large blocks to the system after each use, and PyTorch is several times slower on some machines.
- **Turns.** Each row has new processes, which run in turn and sleep in between; a different one starts each round. Peak memory
  (VmHWM) includes runtime, libraries and inputs.
- **The whole experiment** is examples/tutorial.json with one seed: teacher, control, soft targets, cosine, regressor, ten epochs each,
  scored on the test images. Ours runs the stages of a job with a store on disk: outputs, checkpoints, weights, compilation and
  report count. All run in one process, with the decoded data set in memory. PyTorch runs the tutorial's loops. Rounds: ${times};
  the start of processes and imports do not count.${
    beside.length === 0
      ? ''
      : `
- **Students per hour** counts LightNNs with soft targets, ten epochs of 50,000 images each: a worker's trainers side by side, and as
  many processes of PyTorch, all with the threads that a worker gives them. It is computed from the time of a step, without the
  start of processes, evaluation and checkpoints. The last column is one of our processes with all threads, whose function takes a step
  of that many students on the same batch.`
  }`;
}

/** e.g. `**2.31** (2.20–2.45)` */
export function ratioText({ median: middle, low, high }: Ratio): string {
  const spread = low === high ? '' : ` (${low.toFixed(2)}–${high.toFixed(2)})`;
  return `**${middle.toFixed(2)}**${spread}`;
}

/** Renders a table whose columns are aligned in the source, too. */
function table(head: string[], rows: string[][]): string {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...rows].map((cells) => cells[column].length)),
  );
  const line = (cells: string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`,
  );
  return [line(head), `|${rule.join('|')}|`, ...rows.map(line)].join('\n');
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
