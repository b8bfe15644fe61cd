import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { type Setting, settings } from '@distillery/spec/configuration';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');

/** The packages that each package may import, from the table in docs/architecture.md. */
const allowed = new Map(
  readFileSync(join(root, 'docs/architecture.md'), 'utf8')
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .flatMap(([, room, , imports]): [string, string[]][] => {
      const path = /^`((?:packages|apps)\/[\w-]+)`$/.exec(room ?? '')?.[1];
      return path === undefined ? [] : [[path, imports === '–' ? [] : imports.split(', ')]];
    }),
);

interface Manifest {
  name: string;
  exports?: string | Record<string, unknown>;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

interface Room {
  /** `packages/spec` */
  path: string;
  /** `spec` */
  name: string;
  manifest: Manifest;
}

const rooms = ['packages', 'apps'].flatMap((floor) =>
  readdirSync(join(root, floor)).map((folder): Room => {
    const path = `${floor}/${folder}`;
    const manifest = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8')) as Manifest;
    return { path, name: manifest.name.replace('@distillery/', ''), manifest };
  }),
);

interface Import {
  /** The path relative to the root. */
  from: string;
  specifier: string;
}

/** Returns every TypeScript file below a folder, relative to the root. */
function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name) && !name.includes('node_modules'))
    .map((name) => join(folder, name).replaceAll(sep, '/'));
}

/** Returns every import of the TypeScript files below a folder, including type imports and `import()`. */
function importsBelow(folder: string): Import[] {
  return filesBelow(folder).flatMap((from) =>
    specifiersOf(readFileSync(join(root, from), 'utf8')).map((specifier) => ({ from, specifier })),
  );
}

function specifiersOf(text: string): string[] {
  const statements = text.matchAll(/^(?:import |(?:import|export)\b[^;'"=()]*\bfrom )'([^']+)';/gm);
  const calls = text.matchAll(/\bimport\('([^']+)'\)/g);
  return [...statements, ...calls].map(([, name]) => name);
}

/** Tests and their helpers may use the development dependencies of the root. */
const isTest = (path: string) => path.endsWith('.test.ts') || path.includes('/testing/');

/** `@scope/name/deep` → `@scope/name` */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Returns the package of a file; undefined for files outside all packages. */
function roomOf(path: string): string | undefined {
  return /^(?:packages|apps)\/[^/]+(?=\/)/.exec(path)?.[0];
}

/** Returns relative imports of a package's files from outside that package. */
function reachingIn(imports: readonly Import[]): string[] {
  return imports
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ from, specifier }) => {
      const to = relative(root, resolve(root, dirname(from), specifier)).replaceAll(sep, '/');
      return { from, to };
    })
    .filter(({ from, to }) => roomOf(to) !== undefined && roomOf(from) !== roomOf(to))
    .map(({ from, to }) => `${from} → ${to}`);
}

describe('the packages', () => {
  test('are exactly those of docs/architecture.md', () => {
    expect(rooms.map(({ path }) => path).sort()).toEqual([...allowed.keys()].sort());
  });

  test.each(rooms)('$path depends only on packages that the table allows', ({ path, manifest }) => {
    const own = Object.keys(manifest.dependencies ?? {})
      .filter((dependency) => dependency.startsWith('@distillery/'))
      .map((dependency) => dependency.replace('@distillery/', ''));
    expect(own.sort()).toEqual([...(allowed.get(path) ?? [])].sort());
  });

  test.each(rooms)('$path declares every package that it imports', ({ path, manifest }) => {
    const { name, dependencies, optionalDependencies, devDependencies } = manifest;
    // What the dashboard imports is bundled into its page, and no user installs it.
    const bundled = path === 'apps/web' ? devDependencies : {};
    const declared = new Set([
      name,
      ...Object.keys({ ...dependencies, ...optionalDependencies, ...bundled }),
    ]);
    const undeclared = importsBelow(`${path}/source`)
      .filter(({ from }) => !isTest(from))
      .filter(({ specifier }) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
      .filter(({ specifier }) => !declared.has(packageOf(specifier)));
    expect(undeclared).toEqual([]);
  });

  test('code outside of tests never imports a test helper', () => {
    const helpers = rooms
      .flatMap(({ path }) => importsBelow(`${path}/source`))
      .filter(({ from }) => !isTest(from))
      .filter(({ specifier }) => /(^|\/)testing(\/|$)/.test(specifier));
    expect(helpers).toEqual([]);
  });

  test('no relative import reaches into another package', () => {
    expect(reachingIn(['packages', 'apps', 'scripts', 'test', 'bench'].flatMap(importsBelow))).toEqual([]);
  });

  test('an import that reaches into another package is found', () => {
    const from = 'packages/methods/source/terms/cosine.test.ts';
    const specifier = '../../../engine/source/run.ts';
    expect(reachingIn([{ from, specifier }])).toEqual([`${from} → packages/engine/source/run.ts`]);
    expect(
      reachingIn([{ from: 'test/worker.test.ts', specifier: '../apps/api/source/app.ts' }]),
    ).toHaveLength(1);
  });

  test('only queue imports bullmq and ioredis', () => {
    const others = rooms.filter(({ name }) => name !== 'queue');
    const imported = others.flatMap(({ path }) => importsBelow(`${path}/source`));
    expect(imported.filter(({ specifier }) => /^(bullmq|ioredis)$/.test(specifier))).toEqual([]);
  });

  test('settings are read through spec/configuration only', () => {
    const variables = (Object.values(settings) as Setting[]).flatMap(({ variable, alias }) =>
      alias === undefined ? [variable] : [variable, alias.variable],
    );
    const readers = rooms
      .flatMap(({ path }) => filesBelow(`${path}/source`))
      .filter((path) => !isTest(path))
      .flatMap((path) =>
        [...readFileSync(join(root, path), 'utf8').matchAll(/\bprocess\.env\.(\w+)/g)]
          .filter(([, name]) => variables.includes(name))
          .map(([, name]) => `${path} reads ${name}`),
      );
    // A test, for example, starts an engine without a program that reads the configuration.
    expect(readers).toEqual([
      'packages/engine/source/backends/start.ts reads ENGINE',
      'packages/engine/source/compiled/compile.ts reads STEP',
    ]);
  });

  test('only engine imports a backend', () => {
    const others = rooms.filter(({ name }) => name !== 'engine');
    const imported = others.flatMap(({ path }) => importsBelow(`${path}/source`));
    const backends = imported.filter(({ specifier }) =>
      /^@tensorflow\/(?!tfjs-core$)/.test(packageOf(specifier)),
    );
    expect(backends).toEqual([]);
  });
});
