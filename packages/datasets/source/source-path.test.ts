import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { contextIn, errorOf, temporaryFolder } from './testing/fixtures.ts';
import { resolveSourcePath } from './source-path.ts';

test('finds absolute and relative paths under a root', async () => {
  const folder = await temporaryFolder();
  const context = await contextIn(folder);
  const file = join(folder, 'data', 'a.tar');
  await writeFile(file, '');
  expect(await resolveSourcePath(file, context)).toBe(file);
  expect(await resolveSourcePath('a.tar', context)).toBe(file);
  expect(await resolveSourcePath(join(folder, 'data'), context)).toBe(join(folder, 'data'));
});

test('a root may itself be a link', async () => {
  const folder = await temporaryFolder();
  await contextIn(folder);
  await symlink(join(folder, 'data'), join(folder, 'alias'));
  await writeFile(join(folder, 'data', 'a'), '');
  const context = { cacheDir: folder, roots: [join(folder, 'alias')] };
  expect(await resolveSourcePath(join(folder, 'alias', 'a'), context)).toBe(join(folder, 'data', 'a'));
});

test('a path outside the roots gives the same error whether or not it exists', async () => {
  const folder = await temporaryFolder();
  const context = await contextIn(folder);
  await mkdir(join(folder, 'data-of-others'));
  await symlink(join(folder, 'data-of-others'), join(folder, 'data', 'way-out'));
  await symlink(join(folder, 'gone'), join(folder, 'data', 'dangling'));
  await symlink('../gone/../endless', join(folder, 'data', 'endless'));
  const outside = [
    join(folder, 'data-of-others'),
    join(folder, 'data', 'way-out'),
    join(folder, 'data', 'way-out', 'gone'),
    'dangling',
    'dangling/below',
    'endless/x',
    join(folder, 'data', '..', 'data-of-others'),
    '../data-of-others',
    '../nothing',
    '/nothing/here',
  ];
  for (const path of outside) {
    const error = await errorOf(resolveSourcePath(path, context));
    const message = 'is not under an allowed folder';
    expect(error).toMatchObject({ code: 'data_error', message: `${path}: ${message}` });
    expect(error.fields).toEqual([{ path: '/dataset/path', value: path, message, allowed: context.roots }]);
  }
});

test('a path that does not exist below a root is named', async () => {
  const folder = await temporaryFolder();
  const context = await contextIn(folder);
  await symlink('nothing', join(folder, 'data', 'dangling'));
  for (const path of ['gone.tar', join(folder, 'data', 'gone.tar'), 'dangling', 'a/../gone.tar']) {
    const error = await errorOf(resolveSourcePath(path, context));
    expect(error.code).toBe('data_error');
    expect(error.fields).toEqual([
      { path: '/dataset/path', value: path, message: 'does not exist', allowed: context.roots },
    ]);
  }
});
