import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { runScript } from './testing/built.ts';

// The client and the CLI as they are published: packed, installed into an empty project, run by plain Node.

const execute = promisify(execFile);
const root = resolve(import.meta.dirname, '..');
const minutes = 60_000;

/** The empty project. */
let project: string;

async function run(program: string, ...args: string[]): Promise<string> {
  const { stdout } = await execute(program, args, { cwd: project, timeout: 5 * minutes });
  return stdout;
}

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'distillery-project-'));
  const published = join(project, 'published');
  await runScript('pack.mjs', inject('built'), published);
  const tarballs = (await readdir(published)).filter((name) => name.endsWith('.tgz'));
  if (tarballs.length !== 2) throw new Error(`2 tarballs must be packed: ${tarballs}`);
  await writeFile(join(project, 'package.json'), '{ "private": true, "type": "module" }\n');
  const options = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  await run('npm', 'install', ...options, ...tarballs.map((name) => join(published, name)));
}, 10 * minutes);
afterAll(() => rm(project, { recursive: true, force: true }));

test('contains only compiled files, and no test helper', async () => {
  const files = await readdir(join(project, 'node_modules/@distillery'), { recursive: true });
  expect(files.filter((name) => name.endsWith('.js')).length).toBeGreaterThan(30);
  expect(files.filter((name) => /(?<!\.d)\.ts$|testing/.test(name))).toEqual([]);
  for (const name of files.filter((path) => path.endsWith('.js'))) {
    const text = await readFile(join(project, 'node_modules/@distillery', name), 'utf8');
    // Node would search its whole text for the names of exports.
    expect(text, name).not.toMatch(/from "@tensorflow\/tfjs-core"/);
  }
  const manifest = await readFile(join(project, 'node_modules/@distillery/cli/package.json'), 'utf8');
  expect(JSON.parse(manifest)).not.toHaveProperty('private');
});

test('the client works in plain Node, and its types in TypeScript', {
  timeout: 2 * minutes,
}, async () => {
  await writeFile(
    join(project, 'use.mts'),
    `import { type Client, createClient } from '@distillery/client';
     const client: Client = createClient('http://127.0.0.1:1');
     const answer = await client.jobs.get('job_x').catch((error: Error) => error.constructor.name);
     if (typeof answer === 'string') console.log(answer);
     // @ts-expect-error A state is not a number.
     else console.log(answer.state * 1);`,
  );
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const types = ['--typeRoots', join(root, 'node_modules/@types'), '--types', 'node'];
  await run(
    process.execPath,
    tsc,
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--strict',
    ...types,
    'use.mts',
  );
  expect(await run(process.execPath, 'use.mjs')).toMatch(/Error\n$/);
});

test('distill starts the service, which runs a job', { timeout: 5 * minutes }, async () => {
  const distill = join(project, 'node_modules/.bin/distill');
  expect(await run(distill, '--help')).toMatch(/^ {2}run .*<spec>/m);
  const manifest = await readFile(join(project, 'node_modules/@distillery/cli/package.json'), 'utf8');
  expect(await run(distill, '--version')).toBe(`${(JSON.parse(manifest) as { version: string }).version}\n`);
  await writeFile(
    join(project, 'spec.json'),
    JSON.stringify({
      dataset: { source: 'shapes', trainCount: 60, testCount: 20 },
      teacher: { architecture: { type: 'mlp', hidden: [8] } },
      students: [
        { name: 's', architecture: { type: 'mlp', hidden: [4] }, method: [{ type: 'soft_target' }] },
      ],
      baseline: false,
      training: { epochs: 1 },
    }),
  );
  const { REDIS_URL: _, ...env } = process.env;
  const up = spawn(distill, ['up', '--port', '0', '--folder', join(project, 'runs')], {
    cwd: project,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = once(up, 'exit');
  try {
    let url: string | undefined;
    for await (const line of createInterface(up.stdout)) {
      url = /runs at (http:\S+) /.exec(line)?.[1];
      if (url !== undefined) break;
    }
    const report = await run(distill, 'run', 'spec.json', '--url', url ?? 'it did not start');
    expect(report).toMatch(/teacher +[\d,]+/);
    expect(report).toContain('engine: ');
  } finally {
    up.kill('SIGTERM');
    await gone;
  }
});
