import { terms } from '@distillery/methods';
import type { CatalogueEntry } from '@distillery/spec';
import type { TermCost, TermCosts } from '../../bench/term-costs.ts';
import { markdownTable } from '@distillery/cli/markdown';
import { code, link } from './markdown.ts';
import { optionsTable } from './options-table.ts';

/** Renders docs/methods.md from the registry of terms and their measured costs. */
export function methodsPage(costs: TermCosts): string {
  const entries = terms.catalogue();
  const rows = entries.map((entry) => [
    `[${code(entry.type)}](#${entry.type})`,
    entry.summary,
    list(entry.needs),
    networks(entry.trains),
    factor(costs.terms[entry.type]),
  ]);
  return [
    '# Methods',
    '',
    'A method is a weighted sum of the terms below. This one is the classic of Hinton et al. (2015):',
    '',
    '```json',
    '[',
    '  {"type": "soft_target", "temperature": 2, "weight": 0.25},',
    '  {"type": "cross_entropy", "weight": 0.75}',
    ']',
    '```',
    '',
    'This page is generated from the code in `packages/methods` by `npm run catalogue`; `GET /v1/methods` returns the same.',
    '',
    '## Overview',
    '',
    markdownTable(['term', 'what it does', 'reads', 'trains', 'step time:'], rows),
    '',
    '- **reads**: the tensors that the term compares by default. Architectures name them as taps,',
    '  see [architectures.md](architectures.md).',
    '- **trains**: auxiliary networks that are trained with the student and dropped afterwards.',
    ...measured(costs),
    '',
    '## Weights and schedules',
    '',
    'A weight is a number, `"auto"` or a schedule. With `"auto"` the gradient of the term at the first step has the same',
    'length as that of `cross_entropy` with weight 1. A schedule changes a number over the epochs:',
    '',
    markdownTable(
      ['schedule', 'value'],
      [
        [code('{"schedule": "constant", "value": 1}'), 'stays 1'],
        [
          code('{"schedule": "linear", "from": 0, "to": 1, "epochs": 20}'),
          'rises evenly to 1 within 20 epochs',
        ],
        [
          code('{"schedule": "cosine", "from": 0, "to": 1, "epochs": 20}'),
          'rises to 1 within 20 epochs along half a cosine wave, slowly at both ends',
        ],
        [
          code('{"schedule": "step", "value": 1, "milestones": [30, 60], "gamma": 0.1}'),
          'is multiplied by 0.1 after epoch 30 and after epoch 60',
        ],
      ],
    ),
    '',
    '## Notation',
    '',
    markdownTable(
      ['symbol', 'meaning'],
      [
        ['z', 'logits, `[B, K]`'],
        ['f', 'features, the vector before the classifier, `[B, D]`'],
        ['F', 'a map, `[B, h, w, c]` (batch, height, width, channels)'],
        ['_s, _t', 'of the student, of the teacher'],
        ['y', 'the label'],
        ['B, K, T', 'batch size, number of classes, temperature'],
        ['KL(a ‖ b)', 'Kullback–Leibler divergence, summed over classes and averaged over the batch'],
        ['mean', 'the mean over every element'],
        ['1(…)', '1 where the condition holds, else 0'],
      ],
    ),
    '',
    ...entries.flatMap((entry) => section(entry, costs.terms[entry.type])),
  ].join('\n');
}

function measured({ terms: cost, engine, threads, batchSize, rounds, steps }: TermCosts): string[] {
  const what = [
    '- **step time**: the time of a training step with the term and cross-entropy, divided by that with cross-entropy',
    '  alone, with cached teacher outputs.',
  ];
  if (Object.keys(cost).length === 0) return [...what, '  `npm run bench:terms` measures it.'];
  return [
    ...what,
    `  Measured with ${engine}, ${threads} threads and batches of ${batchSize}, as the median of ${rounds} rounds of`,
    `  ${steps} alternating steps (\`npm run bench:terms\`).`,
  ];
}

function section(
  { type, summary, formula, reference, needs, trains, ...entry }: CatalogueEntry,
  cost?: TermCost,
) {
  const links = [
    ...(reference === undefined ? [] : [link(reference)]),
    `[example](../examples/terms/${type}.json)`,
  ];
  return [
    `## ${type}`,
    '',
    `${summary} ${links.join(' · ')}`,
    '',
    '```text',
    String(formula),
    '```',
    '',
    `- reads: ${list(needs)}`,
    ...(trains?.length ? [`- trains: ${networks(trains)}`] : []),
    `- step time: ${duration(cost)}`,
    '',
    optionsTable({ type, summary, ...entry }),
    '',
  ];
}

function list(words: readonly string[] = []): string {
  return words.length === 0 ? '–' : words.join('; ');
}

/** Marks the names of networks, which plans and checkpoints use, as code: `projector`, where widths differ. */
function networks(trained: readonly string[] = []): string {
  return list(trained.map((words) => words.replace(/^\w+/, code)));
}

function factor(cost: TermCost | undefined): string {
  return cost === undefined ? 'not measured' : `${cost.ratio.toFixed(2)}×`;
}

function duration(cost: TermCost | undefined): string {
  if (cost === undefined) return 'not measured';
  const { milliseconds, alone, teacher, student } = cost;
  const times = `${milliseconds.toFixed(1)} ms; with cross-entropy alone ${alone.toFixed(1)} ms`;
  return `${times} (teacher ${code(teacher)}, student ${code(student)})`;
}
