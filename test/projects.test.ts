import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { testProjects } from './testing/projects.ts';

const root = resolve(import.meta.dirname, '..');

/** The assignment by vitest. */
function assigned(): { file: string; projectName: string }[] {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const { ENGINE: _, ...env } = process.env;
  const output = execFileSync(process.execPath, [vitest, 'list', '--filesOnly', '--json'], {
    cwd: root,
    encoding: 'utf8',
    env,
  });
  return JSON.parse(output.slice(output.indexOf('['))) as { file: string; projectName: string }[];
}

test('each test file belongs to exactly one project', () => {
  const onDisk = ['apps', 'packages', 'test'].flatMap((floor) =>
    readdirSync(join(root, floor), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts') && !name.includes('node_modules'))
      .map((name) => join(floor, name))
      // `npm run test:images` has a configuration of its own.
      .filter((name) => !name.startsWith('test/images/')),
  );
  const found = assigned();
  expect(found.map(({ file }) => relative(root, file)).sort()).toEqual(onDisk.sort());
  expect(new Set(found.map(({ projectName }) => projectName))).toEqual(new Set(Object.keys(testProjects)));
});
