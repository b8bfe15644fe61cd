import { type NetworkPlan, trace } from '@distillery/engine';
import { type Architecture, architectures, bind, type Task } from '@distillery/models';
import type { CatalogueEntry, Choice } from '@distillery/spec';
import { markdownTable } from '@distillery/cli/markdown';
import { code, link } from './markdown.ts';
import { optionsTable } from './options-table.ts';
import { variantsOf } from './variants.ts';

/** The inputs on which networks are traced: images of CIFAR's size, or else a sequence of tokens. */
const inputs = [
  { shape: [32, 32, 3], words: 'an image of 32×32×3', vocabulary: undefined },
  { shape: [64], words: 'a text of 64 tokens and a vocabulary of 10,000', vocabulary: 10_000 },
];

interface Traced {
  input: string;
  plan: NetworkPlan;
}

/** Renders docs/architectures.md from the registry of architectures. */
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
    'A job spec names the network of a teacher or a student by its type and options:',
    '',
    '```json',
    '{"type": "resnet", "depth": 20}',
    '```',
    '',
    'This page is generated from the code in `packages/models` by `npm run catalogue`; `GET /v1/architectures` returns the',
    'same options and defaults.',
    '',
    '## Overview',
    '',
    markdownTable(['architecture', 'what it is', 'parameters:', 'FLOPs:'], rows),
    '',
    'Parameters and FLOPs are those of the default options with 10 classes and images of 32×32×3, or, for texts, 64 tokens',
    'of a vocabulary of 10,000. FLOPs count one forward pass of one sample, with a multiply-add as two operations.',
    '',
    'A *tap* is a named tensor inside the network, which the terms of a method compare ([methods.md](methods.md)). The shapes',
    'below are height × width × channels of maps, tokens × width of sequences, or heads × tokens × tokens of attention',
    'scores.',
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
    reference === undefined ? summary : `${summary} ${link(reference)}`,
    '',
    optionsTable(entry),
    '',
    ...(usual === undefined ? [] : [...tapsOf(usual), '', ...countsOf(entry), '']),
  ];
}

function tapsOf({ input, plan }: Traced): string[] {
  return [`Taps for ${input} and 10 classes: ${tapWords(plan.taps).join(', ')}.`];
}

/** Lists taps with their shapes. Three or more layers with one shape are merged: `hidden1` to `hidden12` 65×192. */
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

/** Renders a table with a row for each variant of the options. */
function countsOf(entry: CatalogueEntry): string[] {
  const rows = variantsOf(entry, (options) => tracedOf(entry.type, options, 10)?.plan).map(
    ({ options, plan }) => [
      Object.entries(options)
        .map(([name, value]) => `${name} ${String(value)}`)
        .join(', ') || 'default',
      integer(plan.parameterCount),
      integer(tracedOf(entry.type, options, 100)?.plan.parameterCount ?? Number.NaN),
      short(plan.flops),
    ],
  );
  return [markdownTable(['variant', 'parameters, 10 classes:', '100 classes:', 'FLOPs:'], rows)];
}

/** Traces a network; undefined if the options cannot be combined, or if required ones are missing. */
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

/** Abbreviates a count: `81.6 M`, `1.05 G`. */
function short(count: number): string {
  return count >= 1e9 ? `${(count / 1e9).toFixed(2)} G` : `${(count / 1e6).toFixed(1)} M`;
}
