import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');

/** Each room with the rooms that it may lean on; arrows run down only (docs/architecture.md). */
const allowed: Record<string, string[]> = {
  spec: [],
  engine: ['spec'],
  artifacts: ['spec'],
  datasets: ['engine', 'spec'],
  models: ['engine', 'spec'],
  methods: ['engine', 'spec'],
  training: ['artifacts', 'datasets', 'engine', 'methods', 'models', 'spec'],
  queue: ['spec'],
  client: ['spec'],
  api: ['artifacts', 'queue', 'spec', 'training'],
  worker: ['artifacts', 'engine', 'queue', 'spec', 'training'],
  cli: ['api', 'client', 'datasets', 'queue', 'spec', 'worker'],
};

interface Manifest {
  name: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

const rooms = ['packages', 'apps'].flatMap((floor) =>
  readdirSync(join(root, floor)).map((room) => {
    const folder = join(root, floor, room);
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
    return { folder, name: manifest.name.replace('@distillery/', ''), manifest };
  }),
);

function sources(folder: string): string[] {
  const names = readdirSync(join(folder, 'source'), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.ts')).map((name) => join(folder, 'source', name));
}

function importsOf(path: string): string[] {
  const text = readFileSync(path, 'utf8');
  const statements = text.matchAll(/^(?:import|export)\b[^;'"=()]*'([^']+)';/gm);
  const calls = text.matchAll(/\bimport\('([^']+)'\)/g);
  return [...statements, ...calls].map(([, name]) => name);
}

/** `@scope/name/deep` → `@scope/name` */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

describe('the house', () => {
  test('has exactly the rooms that are listed', () => {
    expect(rooms.map(({ name }) => name).sort()).toEqual(Object.keys(allowed).sort());
  });

  test.each(rooms)('$name leans only on what is below it', ({ name, manifest }) => {
    const own = Object.keys(manifest.dependencies ?? {})
      .filter((dependency) => dependency.startsWith('@distillery/'))
      .map((dependency) => dependency.replace('@distillery/', ''));
    for (const dependency of own) expect(allowed[name], `${name} → ${dependency}`).toContain(dependency);
  });

  test.each(rooms)('$name declares every package that it imports', ({ folder, manifest }) => {
    const { name, dependencies, optionalDependencies } = manifest;
    const declared = new Set([name, ...Object.keys({ ...dependencies, ...optionalDependencies })]);
    for (const path of sources(folder)) {
      const specifiers = importsOf(path);
      // Tests and what they share may use what the root installs for them.
      if (specifiers.includes('vitest') || path.endsWith('.test.ts')) continue;
      for (const specifier of specifiers) {
        if (specifier.startsWith('.') || specifier.startsWith('node:')) continue;
        expect([...declared], `${path} imports ${specifier}`).toContain(packageOf(specifier));
      }
    }
  });

  test('only queue imports bullmq and ioredis', () => {
    for (const { name, folder } of rooms) {
      if (name === 'queue') continue;
      const imported = sources(folder).flatMap(importsOf);
      expect(
        imported.filter((specifier) => /^(bullmq|ioredis)$/.test(specifier)),
        name,
      ).toEqual([]);
    }
  });

  test('nothing above engine names a backend', () => {
    for (const { name, folder } of rooms) {
      if (name === 'engine') continue;
      const imported = sources(folder).flatMap(importsOf).map(packageOf);
      const backends = imported.filter((specifier) => /^@tensorflow\/(?!tfjs-core$)/.test(specifier));
      expect(backends, name).toEqual([]);
    }
  });
});
