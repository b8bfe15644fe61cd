import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { terms } from '@distillery/methods';
import { expect, test } from 'vitest';
import { readTermCosts, type TermCosts } from '../bench/term-costs.ts';
import { apiPage } from '../scripts/catalogue/api-page.ts';
import { architecturesPage, tapWords } from '../scripts/catalogue/architectures-page.ts';
import { configurationPage } from '../scripts/catalogue/configuration-page.ts';
import { jobSpecPage } from '../scripts/catalogue/job-spec-page.ts';
import { methodsPage } from '../scripts/catalogue/methods-page.ts';
import { allowed } from '../scripts/catalogue/options-table.ts';
import { variantsOf } from '../scripts/catalogue/variants.ts';

const docs = resolve(import.meta.dirname, '../docs');
const stale = 'the page is stale: run npm run catalogue';

test('docs/methods.md is up to date with the terms', () => {
  expect(readFileSync(join(docs, 'methods.md'), 'utf8'), stale).toBe(methodsPage(readTermCosts()));
});

test('docs/architectures.md is up to date with the networks', () => {
  expect(readFileSync(join(docs, 'architectures.md'), 'utf8'), stale).toBe(architecturesPage());
});

test('docs/job-spec.md matches the schema', () => {
  const examples = resolve(import.meta.dirname, '../examples');
  expect(readFileSync(join(docs, 'job-spec.md'), 'utf8'), stale).toBe(jobSpecPage(examples));
});

test('docs/api.md matches the OpenAPI description', async () => {
  expect(readFileSync(join(docs, 'api.md'), 'utf8'), stale).toBe(await apiPage());
});

test('docs/configuration.md matches the settings', () => {
  expect(readFileSync(join(docs, 'configuration.md'), 'utf8'), stale).toBe(configurationPage());
});

test('every measured term exists', () => {
  const known = terms.list.map(({ type }) => type);
  expect(Object.keys(readTermCosts().terms).filter((type) => !known.includes(type))).toEqual([]);
});

test('a term has its formula, what it reads and trains, and its cost if it was measured', () => {
  const costs: TermCosts = {
    engine: 'the engine',
    threads: 2,
    batchSize: 64,
    rounds: 3,
    steps: 10,
    terms: { hint: { teacher: 'big', student: 'small', milliseconds: 12.34, alone: 10, ratio: 1.234 } },
  };
  const [, hint] = /\n## hint\n([\s\S]*?)\n## /.exec(methodsPage(costs)) ?? [];
  expect(hint).toContain('[arXiv:1412.6550](https://arxiv.org/abs/1412.6550)');
  expect(hint).toContain('[example](../examples/terms/hint.json)');
  expect(hint).toContain('\n```text\nmean (R(F_s) − F_t)², R a trained convolution to the size of F_t');
  expect(hint).toContain('- reads: maps\n- trains: `regressor`\n');
  expect(hint).toContain(
    '- step time: 12.3 ms; with cross-entropy alone 10.0 ms (teacher `big`, student `small`)',
  );
  expect(hint).toContain('| `normalize` | `false` | `true`, `false` | Whether BatchNorm and ReLU follow');
  expect(methodsPage(costs)).toMatch(/\| \[`hint`\]\(#hint\) \|.* \| 1\.23× \|/);
  expect(methodsPage(costs)).toMatch(/\| \[`pkt`\]\(#pkt\) \|.* \| not measured \|/);
  expect(methodsPage(costs)).toContain('the engine, 2 threads and batches of 64');
});

test.each([
  [{ type: 'number', minimum: 0, exclusiveMaximum: 1 }, 'a number ≥ 0 and < 1'],
  [{ type: 'integer', minimum: 1, maximum: 9e15 }, 'a whole number ≥ 1'],
  [{ enum: [8, 'x'] }, '`8`, `"x"`'],
  [{ type: 'array', items: { type: 'integer', minimum: 1 } }, 'a list of whole numbers ≥ 1'],
  [
    { anyOf: [{ type: 'number' }, { const: 'auto' }, { type: 'object', properties: { schedule: {} } }] },
    'a number, `"auto"` or an object',
  ],
  [{ type: 'object', properties: { schedule: { const: 'linear' } } }, 'a schedule'],
  [{ type: 'array', items: { type: 'object' } }, 'a list of objects'],
  [{ anyOf: [{ type: 'number', exclusiveMinimum: 0 }, { type: 'null' }] }, 'a number > 0 or `null`'],
  [
    { oneOf: ['a', 'b'].map((name) => ({ properties: { type: { const: name } } })) },
    'an object of type `"a"`, `"b"`',
  ],
])('the schema %j is described as %s', (schema, words) => {
  expect(allowed(schema)).toBe(words);
});

test('taps are listed in order, with those of equal layers merged', () => {
  const layers = [1, 2, 3].flatMap((i) => [
    [`keys${i}`, [5, 8]],
    [`hidden${i}`, [5, i === 3 ? 4 : 8]],
  ]);
  expect(tapWords({ ...Object.fromEntries(layers), logits: [10] })).toEqual([
    '`keys1` to `keys3` 5×8',
    '`hidden1` 5×8',
    '`hidden2` 5×8',
    '`hidden3` 5×4',
    '`logits` 10',
  ]);
});

test('variants are the possible combinations of the options that change the size', () => {
  const entry = {
    type: 'x',
    summary: '',
    options: {
      properties: {
        depth: { enum: [1, 2] },
        width: { type: 'integer', minimum: 1, maximum: 4 },
        activation: { enum: ['relu', 'gelu'] },
        dropout: { type: 'number' },
      },
    },
    defaults: { depth: 1, width: 2 },
  };
  const variants = variantsOf(entry, ({ depth = 1, width = 2 }: { depth?: number; width?: number }) =>
    depth === 2 && width === 4 ? undefined : planOf(depth * width),
  );
  expect(variants.map(({ options }) => options)).toEqual([
    { depth: 1, width: 1 },
    { depth: 1, width: 2 },
    { depth: 1, width: 4 },
    { depth: 2, width: 1 },
    { depth: 2, width: 2 },
  ]);
});

function planOf(parameterCount: number) {
  return {
    inputShape: [],
    outputShape: [],
    parameters: [],
    parameterCount,
    taps: {},
    flops: 0,
    activations: 0,
  };
}
