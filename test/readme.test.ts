import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { png } from '@distillery/datasets/testing';
import type { JobSpecInput } from '@distillery/spec';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';

/**
 * The commands of README.md and docs/quick-start.md, run top to bottom in an empty folder against the service that they
 * start. The installation is left out: it precedes every test. The first job runs with less data, fewer epochs and one seed.
 */
const root = resolve(import.meta.dirname, '..');
const minutes = 60_000;

/** The shell blocks of a page, in order. */
function shellBlocks(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block);
}

const install = 'npm ci\nnpm run setup\nnpm run build\n';
const start = 'npx distill up\n';

let folder: string;
let service: ChildProcess;
let url: string;

/** Runs a block as a person would, with the service of this test in place of the usual one. */
async function run(block: string, variables: Record<string, string> = {}): Promise<string> {
  const script = block
    .replaceAll('localhost:8080', url.replace('http://', ''))
    .replaceAll('npx distill', 'distill');
  const env = {
    ...process.env,
    ...variables,
    PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}`,
    DISTILLERY_URL: url,
  };
  const options = { cwd: folder, env, timeout: 5 * minutes };
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], options);
  return stdout;
}

function shrinkFirstJob(): void {
  const path = join(folder, 'examples/first-steps.json');
  const spec = JSON.parse(readFileSync(path, 'utf8')) as JobSpecInput;
  const dataset = { source: 'shapes', trainCount: 200, testCount: 100 };
  spec.dataset = dataset;
  spec.teacher = { ...spec.teacher, dataset };
  spec.training = { epochs: 2 };
  spec.seeds = [1];
  writeFileSync(path, JSON.stringify(spec));
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'distillery-readme-'));
  cpSync(join(root, 'examples'), join(folder, 'examples'), { recursive: true });
  shrinkFirstJob();
  const program = join(folder, 'bin/distill');
  mkdirSync(join(folder, 'bin'));
  // What `npx distill` runs in a clone once `npm run build` has run.
  const main = join(inject('built'), 'apps/cli/source/main.js');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`, { mode: 0o755 });
  service = spawn(program, ['up'], {
    cwd: folder,
    // Small networks train side by side in little more than the time of one.
    env: { ...process.env, PORT: '0', TRAINERS: '2', DISTILLERY_FOLDER: join(folder, 'runs') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  url = await new Promise<string>((found, failed) => {
    let text = '';
    service.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const [listening] = /http:\/\/[\w.:]+/.exec(text) ?? [];
      if (listening !== undefined) found(listening);
    });
    service.once('exit', (code) => failed(new Error(`distill up ended with ${code}: ${text}`)));
  });
}, 2 * minutes);

afterAll(async () => {
  if (service?.exitCode === null) {
    service.kill('SIGTERM');
    await new Promise((ended) => service.once('exit', ended));
  }
  rmSync(folder, { recursive: true, force: true });
}, minutes);

describe('README.md', () => {
  const blocks = shellBlocks('README.md');

  test('installs, starts, runs, downloads and calls the API, in this order', () => {
    expect(blocks).toHaveLength(5);
    expect(blocks.slice(0, 2)).toEqual([install, start]);
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['setup', 'build', 'demo']));
  });

  test('its commands run, and its first job compares a student with its control', {
    timeout: 8 * minutes,
  }, async () => {
    const [, , runFirst, download, api] = blocks;
    const printed = await run(runFirst);
    const [JOB] = /job_\w+/.exec(printed) ?? [];
    expect(JOB).toBeDefined();
    expect(printed).toMatch(/control/);
    await run(download.replace('JOB', JOB ?? ''));
    expect(await run('ls weights')).toMatch(/^soft-seed1.*\.safetensors$/m);
    const answers = await run(`${api}\ncurl -s -X POST localhost:8080/v1/jobs/$JOB/cancel`);
    expect(answers).toContain('"stages"');
    expect(answers).toContain('not_ready');
  });
});

test('docs/quick-start.md: its commands run', { timeout: 8 * minutes }, async () => {
  const [catalogues, write, check, upload, own, weights] = shellBlocks('docs/quick-start.md');
  expect(own).toBe('npx distill up --root photos\n');
  const listed = await run(catalogues);
  for (const kind of ['image_folder', 'lightnn', 'soft_target', 'gigaflops']) expect(listed).toContain(kind);
  await run(write);
  const [JOB] = /job_\w+/.exec(await run(check)) ?? [];
  for (const [split, count] of [
    ['train', 4],
    ['test', 2],
  ] as const) {
    for (const [kind, red] of [
      ['cat', 200],
      ['dog', 20],
    ] as const) {
      mkdirSync(join(folder, 'photos', split, kind), { recursive: true });
      for (let i = 0; i < count; i++)
        writeFileSync(join(folder, 'photos', split, kind, `${i}.png`), await png(red + i, count, i));
    }
  }
  const added = await run(upload);
  expect(added).toContain('8 training and 4 test samples (image, 32×32×3) of 2 classes');
  expect(added).toMatch(/"dataset": {"source": "uploaded", "id": "data_[0-9a-f]{26}"}/);
  await run(weights.replace('JOB', JOB ?? ''));
  expect(await run('ls weights')).toMatch(/^small-seed2.*\.safetensors$/m);
});
