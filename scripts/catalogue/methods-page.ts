import { terms } from '@distillery/methods';
import type { CatalogueEntry } from '@distillery/spec';
import type { TermCost, TermCosts } from '../../bench/term-costs.ts';
import { markdownTable } from '@distillery/cli/markdown';
import { code, link } from './markdown.ts';
import { optionsTable } from './options-table.ts';

/** docs/methods.md */
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
    'Written by `npm run catalogue` from what the terms say of themselves (`packages/methods`); the same is at',
    '`GET /v1/methods`. A method is a weighted sum of terms:',
    '',
    '    [{"type": "soft_target", "temperature": 2, "weight": 0.25}, {"type": "cross_entropy", "weight": 0.75}]',
    '',
    'z are logits, f the penultimate features `[B, D]`, F a map `[B, h, w, c]`, of the student (s) and the teacher (t); y is',
    'the label, B the batch, K the number of classes, T the temperature. KL(a ‖ b) is summed over classes and averaged over',
    'the batch; `mean` is over every element, 1(…) is 1 where it holds and else 0.',
    '',
    'Every weight may be `"auto"`, which lets the term pull as strongly at the first step as cross-entropy does. Where a',
    'schedule is allowed it is one of `{"schedule": "linear", "from": 0, "to": 1, "epochs": 20}`, the same with `cosine`,',
    '`{"schedule": "step", "value": 1, "milestones": [30, 60], "gamma": 0.1}` and `{"schedule": "constant", "value": 1}`.',
    '',
    markdownTable(['term', 'what it is', 'needs', 'trains', 'step:'], rows),
    '',
    ...measured(costs),
    ...entries.flatMap((entry) => section(entry, costs.terms[entry.type])),
  ].join('\n');
}

function measured({ terms: cost, engine, threads, batchSize, rounds, steps }: TermCosts): string[] {
  const what =
    'The last column is the time of a training step with the term and cross-entropy over that of one with cross-entropy alone';
  if (Object.keys(cost).length === 0) return [`${what}; \`npm run bench:terms\` measures it.`, ''];
  return [
    `${what}, the teacher's outputs being stored: ${engine}, ${threads} threads, batches of ${batchSize}, the median of`,
    `${rounds} rounds of ${steps} steps in alternation (\`npm run bench:terms\`).`,
    '',
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
    `${summary}. ${links.join(' · ')}`,
    '',
    `    ${formula}`,
    '',
    `- needs: ${list(needs)}`,
    ...(trains?.length ? [`- trains: ${networks(trains)}`] : []),
    `- a step: ${duration(cost)}`,
    '',
    optionsTable({ type, summary, ...entry }),
    '',
  ];
}

function list(words: readonly string[] = []): string {
  return words.length === 0 ? '–' : words.join('; ');
}

/** `projector, where widths differ`: names as they stand in plans and checkpoints. */
function networks(trained: readonly string[] = []): string {
  return list(trained.map((words) => words.replace(/^\w+/, code)));
}

function factor(cost: TermCost | undefined): string {
  return cost === undefined ? 'not measured' : `${cost.ratio.toFixed(2)}×`;
}

function duration(cost: TermCost | undefined): string {
  if (cost === undefined) return 'not measured';
  const { milliseconds, alone, teacher, student } = cost;
  const times = `${milliseconds.toFixed(1)} ms, with cross-entropy alone ${alone.toFixed(1)} ms`;
  return `${times} (${code(teacher)} to ${code(student)})`;
}
