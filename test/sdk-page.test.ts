import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Service, startService } from './testing/service.ts';

const root = resolve(import.meta.dirname, '..');
const blocks = [...readFileSync(join(root, 'docs/sdk.md'), 'utf8').matchAll(/```ts\n([^]*?)```/g)].map(
  ([, text]) => text,
);

let service: Service;
beforeAll(async () => {
  service = await startService();
}, 60_000);
afterAll(() => service?.close());

/** The page as one program. */
const program = () => blocks.join('\n').replace('http://127.0.0.1:8080', service.url);

test('the examples of docs/sdk.md are one program that works', { timeout: 180_000 }, async () => {
  expect(blocks.length).toBeGreaterThan(8);
  const { outputFiles } = await build({
    stdin: { contents: program(), loader: 'ts', resolveDir: root },
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
    logLevel: 'silent',
  });
  const file = join(service.folder, 'program.mjs');
  writeFileSync(file, outputFiles[0].contents);
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], {
    cwd: service.folder,
    env: { PATH: process.env.PATH },
  });
  expect(stderr).toBe('');
  for (const line of [
    /^\d+ stages, about [\d.]+ s$/m,
    /starts attempt 1/,
    /^heights: table, 360 training samples /m,
    /^small [\d.]+$/m,
    /^a picture of \d+ bytes, KL [\d.e-]+$/m,
    /^from-a-program-small-seed42-best\.safetensors: \d+ bytes, SHA-256 [0-9a-f]{64}$/m,
    /^wh_[0-9a-f]{24}, secret of 50 characters$/m,
    /^off undefined$/m,
    /^invalid_spec \/seeds /m,
  ])
    expect(stdout).toMatch(line);
  expect(existsSync(join(service.folder, 'from-a-program-small-seed42-best.safetensors'))).toBe(true);
});

test('their types are right', { timeout: 60_000 }, async () => {
  // Beside the tests, whose imports it has.
  const file = join(service.folder, 'program.mts');
  const mapped = program().replaceAll(
    "'@distillery/client'",
    JSON.stringify(join(root, 'packages/client/source/index.ts')),
  );
  writeFileSync(file, mapped);
  const options = [
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--allowImportingTsExtensions',
  ];
  const target = [
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--lib',
    'es2024,dom,dom.asynciterable,dom.iterable',
  ];
  const types = ['--typeRoots', join(root, 'node_modules/@types'), '--types', 'node'];
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const errors = await promisify(execFile)(process.execPath, [
    tsc,
    ...options,
    ...target,
    ...types,
    file,
  ]).then(
    () => '',
    ({ stdout }: { stdout: string }) => stdout,
  );
  expect(errors).toBe('');
});
