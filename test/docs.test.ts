import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { syntheticTable, syntheticTexts, writeDigits } from '@distillery/datasets/testing';
import { errorTable, type Kind } from '@distillery/spec';
import { jobSpec, kinds, planJob } from '@distillery/training';
import { expect, onTestFinished, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

test('docs/errors.md lists exactly the errors of the table', () => {
  const rows = read('docs/errors.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  expect(rows).toEqual(
    Object.entries(errorTable).map(
      ([code, { status, retryable, title }]) =>
        `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${title} |`,
    ),
  );
});

test('links between the documents resolve', () => {
  for (const page of pages) {
    for (const [, target] of read(page).matchAll(/\]\((?!https?:)([^)#]+)/g)) {
      expect(existsSync(join(root, dirname(page), target)), `${page} → ${target}`).toBe(true);
    }
  }
});

test('every example is a valid job', async () => {
  const names = readdirSync(join(root, 'examples'), { recursive: true, encoding: 'utf8' });
  const folder = mkdtempSync(join(tmpdir(), 'distillery-examples-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  // An example that needs the reader's data gets a generated file.
  writeFileSync(join(folder, 'texts.csv'), syntheticTexts(30));
  writeFileSync(join(folder, 'table.csv'), syntheticTable(40));
  await writeDigits(join(folder, 'mnist'), { train: 300, test: 30 });
  for (const name of names.filter((path) => path.endsWith('.json'))) {
    const spec = jobSpec.parse(JSON.parse(read(`examples/${name}`)));
    const {
      resolved: { stages },
    } = await planJob(spec, { cacheDir: folder, roots: [folder] });
    expect(stages.length, name).toBeGreaterThan(3);
  }
});

test.each(kinds.terms.list.map(({ type }) => type))('%s has an example', (type) => {
  const { students } = jobSpec.parse(JSON.parse(read(`examples/terms/${type}.json`)));
  expect(students.some(({ method }) => method.some((term) => term.type === type))).toBe(true);
});

test('every script that the README and the guides name exists', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const known = [...Object.keys(scripts), 'ci', 'install'];
  const named = pages.flatMap((page) =>
    [...read(page).matchAll(/npm (?:run )?([a-z:]+)/g)].map(([, name]) => `${page}: ${name}`),
  );
  expect(named).toContain('README.md: ci');
  expect(named.filter((one) => !known.includes(one.split(': ')[1]))).toEqual([]);
});

test('the pages of kinds have every term, architecture, data source and transform', () => {
  const lists: [string, readonly Kind[]][] = [
    ['docs/methods.md', kinds.terms.list],
    ['docs/architectures.md', kinds.architectures.list],
    ['docs/job-spec.md', kinds.datasets.list],
    ['docs/job-spec.md', kinds.transforms.list],
  ];
  for (const [page, list] of lists) {
    const text = read(page);
    expect(
      list.filter(({ type }) =>
        [`\`${type}\``, `\`"${type}"\``, `### source: ${type}\n`, `### transform: ${type}\n`].every(
          (form) => !text.includes(form),
        ),
      ),
    ).toEqual([]);
  }
});

test('the README counts the terms and architectures that there are', () => {
  const text = read('README.md');
  expect(text).toContain(`${kinds.terms.list.length} distillation terms`);
  expect(text).toContain(`${kinds.architectures.list.length} families of networks`);
});
