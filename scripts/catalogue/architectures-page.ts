import { type NetworkPlan, trace } from '@distillery/engine';
import { type Architecture, architectures, bind, type Task } from '@distillery/models';
import type { CatalogueEntry, Choice } from '@distillery/spec';
import { markdownTable } from '@distillery/cli/markdown';
import { code, link } from './markdown.ts';
import { optionsTable } from './options-table.ts';
import { variantsOf } from './variants.ts';

/** What networks are traced on: images as CIFAR's are, or else a sequence of tokens. */
const inputs = [
  { shape: [32, 32, 3], words: '32×32×3', vocabulary: undefined },
  { shape: [64], words: '64 tokens of a vocabulary of 10,000', vocabulary: 10_000 },
];

interface Traced {
  input: string;
  plan: NetworkPlan;
}

/** docs/architectures.md */
export function architecturesPage(): string {
  const entries = architectures.catalogue();
  const rows = entries.map((entry) => {
    const plan = tracedOf(entry.type, {}, 10)?.plan;
    return [
      `[${code(entry.type)}](#${entry.type})`,
      entry.summary,
      plan === undefined ? '–' : integer(plan.parameterCount),
      plan === undefined ? '–' : short(plan.flops),
    ];
  });
  return [
    '# Architectures',
    '',
    'Written by `npm run catalogue` from the networks themselves (`packages/models`), which are walked over shapes; options',
    'and defaults are also at `GET /v1/architectures`. Unless another input is named, everything is told of images of',
    '32×32×3. FLOPs are those of one forward pass of one image, a multiply-add counted as two. Terms read networks at the',
    'taps ([methods.md](methods.md)); shapes are height × width × channels.',
    '',
    markdownTable(['architecture', 'what it is', 'parameters:', 'FLOPs:'], rows),
    '',
    'Parameters and FLOPs are those of the defaults and 10 classes.',
    '',
    ...entries.flatMap(section),
  ].join('\n');
}

function section(entry: CatalogueEntry): string[] {
  const { type, summary, reference } = entry;
  const usual = tracedOf(type, {}, 10);
  return [
    `## ${type}`,
    '',
    reference === undefined ? `${summary}.` : `${summary}. ${link(reference)}`,
    '',
    optionsTable(entry),
    '',
    ...(usual === undefined ? [] : [...tapsOf(usual), '', ...countsOf(entry), '']),
  ];
}

function tapsOf({ input, plan }: Traced): string[] {
  return [`Taps of ${input} and 10 classes: ${tapWords(plan.taps).join(', ')}.`];
}

/** `hidden1` to `hidden12` 65×192: taps of many layers with one shape are told at once. */
export function tapWords(taps: Record<string, number[]>): string[] {
  const kindOf = (tap: string) => `${tap.replace(/\d+/, '')} ${taps[tap].join('×')}`;
  const names = Object.keys(taps);
  return names.flatMap((tap) => {
    const kin = names.filter((other) => kindOf(other) === kindOf(tap));
    const shape = taps[tap].join('×');
    if (kin.length <= 2) return [`${code(tap)} ${shape}`];
    return tap === kin[0] ? [`${code(tap)} to ${code(kin[kin.length - 1])} ${shape}`] : [];
  });
}

/** A row for each variant that the options name. */
function countsOf(entry: CatalogueEntry): string[] {
  const rows = variantsOf(entry, (options) => tracedOf(entry.type, options, 10)?.plan).map(
    ({ options, plan }) => [
      Object.entries(options)
        .map(([name, value]) => `${name} ${String(value)}`)
        .join(', ') || 'as it is',
      integer(plan.parameterCount),
      integer(tracedOf(entry.type, options, 100)?.plan.parameterCount ?? Number.NaN),
      short(plan.flops),
    ],
  );
  return [markdownTable(['variant', 'parameters, 10 classes:', '100 classes:', 'FLOPs:'], rows)];
}

/** Undefined for options that do not go together, or where some must be given. */
function tracedOf(type: string, options: object, classes: number): Traced | undefined {
  const choice = architectures.schema.safeParse({ type, ...options });
  if (!choice.success) return undefined;
  for (const { shape, words, vocabulary } of inputs) {
    const task = { classes, vocabulary };
    const plan = planOf(architectures.get(type), choice.data, task, shape);
    if (plan !== undefined) return { input: words, plan };
  }
  return undefined;
}

function planOf(
  architecture: Architecture,
  choice: Choice,
  task: Task,
  shape: number[],
): NetworkPlan | undefined {
  try {
    return trace(bind(architecture, choice, task), shape);
  } catch {
    return undefined;
  }
}

function integer(count: number): string {
  return new Intl.NumberFormat('en-US').format(count);
}

/** `81.6 M`, `1.05 G` */
function short(count: number): string {
  return count >= 1e9 ? `${(count / 1e9).toFixed(2)} G` : `${(count / 1e6).toFixed(1)} M`;
}
