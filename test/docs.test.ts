import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { syntheticTexts } from '@distillery/datasets/testing';
import { errorTable, type Kind } from '@distillery/spec';
import { jobSpec, kinds, planJob } from '@distillery/training';
import { expect, onTestFinished, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

test('docs/errors.md lists the table of errors, no more and no less', () => {
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

test('links between the documents lead somewhere', () => {
  const pages = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)];
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
  // The data that an example speaks of are the reader's own.
  writeFileSync(join(folder, 'texts.csv'), syntheticTexts(30));
  for (const name of names.filter((path) => path.endsWith('.json'))) {
    const spec = jobSpec.parse(JSON.parse(read(`examples/${name}`)));
    const {
      resolved: { stages },
    } = await planJob(spec, { cacheDir: folder, roots: [folder] });
    expect(stages.length, name).toBeGreaterThan(3);
  }
});

test.each(kinds.terms.list.map(({ type }) => type))('%s has an example of its own', (type) => {
  const { students } = jobSpec.parse(JSON.parse(read(`examples/terms/${type}.json`)));
  expect(students.some(({ method }) => method.some((term) => term.type === type))).toBe(true);
});

test('README names every script that it tells people to run', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const named = [...read('README.md').matchAll(/npm (?:run )?([a-z:]+)/g)].map(([, name]) => name);
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});

test('README lists every term, architecture and data source, and no other', () => {
  const [, section] = /## What can be distilled\n([\s\S]*?)\n## /.exec(read('README.md')) ?? [];
  const lists: (readonly Kind[])[] = [kinds.datasets.list, kinds.architectures.list, kinds.terms.list];
  const known = lists.flat().map(({ type }) => type);
  for (const type of known) expect(section).toContain(`\`${type}\``);
  const named = [...(section ?? '').matchAll(/`([a-z0-9_-]+)`/g)].map(([, name]) => name);
  expect(named.filter((name) => !known.includes(name))).toEqual([
    'adam',
    'adamw',
    'sgd',
    'float32',
    'bfloat16',
  ]);
});
