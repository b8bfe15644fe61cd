import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { visibleGpu } from './gpus.ts';
import { runPinnedWorkers } from './pinned-workers.ts';

// No test machine has a GPU. A program of the same name answers in place of nvidia-smi, as NVIDIA's does with two GPUs.
const listing = '0, GPU-aaaa-1, 16384, 512\n1, GPU-bbbb-2, 40960, 1024\n';
const path = process.env.PATH;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'distillery-gpus-'));
  const program = join(folder, 'nvidia-smi');
  writeFileSync(program, `#!/bin/sh\nprintf '${listing.replaceAll('\n', '\\n')}'\n`);
  chmodSync(program, 0o755);
  process.env.PATH = `${folder}${delimiter}${path}`;
});
afterAll(() => {
  process.env.PATH = path;
  rmSync(folder, { recursive: true });
});

const log = pino({ level: 'silent' });

/** Starts workers that run `program` and append a line for each start to a file. */
function workers(program: string) {
  const file = join(mkdtempSync(join(folder, 'starts-')), 'starts');
  writeFileSync(file, '');
  const source = `
    require('node:fs').appendFileSync(${JSON.stringify(file)}, process.env.CUDA_VISIBLE_DEVICES + '\\n');
    const gpu = process.env.CUDA_VISIBLE_DEVICES;
    const starts = require('node:fs').readFileSync(${JSON.stringify(file)}, 'utf8').split('\\n').filter((one) => one === gpu).length;
    ${program}
  `;
  return {
    starts: () => readFileSync(file, 'utf8').split('\n').filter(Boolean).sort(),
    start: (variables: Record<string, string>) =>
      spawn(process.execPath, ['-e', source], { env: { ...process.env, ...variables }, stdio: 'ignore' }),
  };
}

function run(program: string, over: { gpus?: string[]; graceMs?: number } = {}) {
  const { start, starts } = workers(program);
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const code = runPinnedWorkers(
    { gpus: ['all'], graceMs: 10_000, restartMs: 20, ...over, start, log },
    stop.signal,
  );
  return { code, starts, stop };
}

test('each GPU has a worker that sees it alone, and one that has left by itself is not started again', async () => {
  const { code, starts } = run('process.exit(0)');
  expect(await code).toBe(0);
  expect(starts()).toEqual(['GPU-aaaa-1', 'GPU-bbbb-2']);
});

test('GPUs are chosen by number or UUID', async () => {
  const { code, starts } = run('process.exit(0)', { gpus: ['1'] });
  expect([await code, starts()]).toEqual([0, ['GPU-bbbb-2']]);
  await expect(run('', { gpus: ['GPU-aaaa-1', '7'] }).code).rejects.toThrow(
    'GPUS names 7, but the GPUs of this machine are: 0 (GPU-aaaa-1), 1 (GPU-bbbb-2)',
  );
});

test('a worker that dies is started again, and the others go on', async () => {
  const { code, starts } = run(`
    if (gpu === 'GPU-bbbb-2' && starts < 3) process.kill(process.pid, 'SIGKILL');
  `);
  expect(await code).toBe(0);
  expect(starts()).toEqual(['GPU-aaaa-1', 'GPU-bbbb-2', 'GPU-bbbb-2', 'GPU-bbbb-2']);
});

test('settings that cannot be used end all workers', async () => {
  const { code, starts } = run(`
    if (gpu === 'GPU-aaaa-1') process.exit(2);
    process.on('SIGTERM', () => process.exit(0));
    setInterval(() => {}, 1000);
  `);
  expect(await code).toBe(2);
  expect(starts()).toEqual(['GPU-aaaa-1', 'GPU-bbbb-2']);
});

test('a stop reaches every worker, and one that does not end is killed', async () => {
  const { code, starts, stop } = run(
    `
    if (gpu === 'GPU-aaaa-1') process.on('SIGTERM', () => {});
    else process.on('SIGTERM', () => process.exit(0));
    setInterval(() => {}, 1000);
  `,
    { graceMs: 1500 },
  );
  await expect.poll(starts).toHaveLength(2);
  stop.abort();
  // 1: the worker that was killed did not hand its stages back.
  expect(await code).toBe(1);
});

test('without nvidia-smi the start ends with a remedy', async () => {
  process.env.PATH = '/nonexistent';
  try {
    await expect(run('').code).rejects.toThrow('GPUS needs nvidia-smi, which lists no GPU on this machine');
    expect(await visibleGpu()).toBeUndefined();
  } finally {
    process.env.PATH = `${folder}${delimiter}${path}`;
  }
});

test('a worker knows the memory of the GPU that it sees first', async () => {
  const gib = 1024 ** 3;
  expect(await visibleGpu('')).toBeUndefined();
  expect(await visibleGpu('GPU-bbbb-2')).toMatchObject({ memoryBytes: 40 * gib, memoryUsedBytes: gib });
  expect(await visibleGpu('0,1')).toMatchObject({ uuid: 'GPU-aaaa-1', memoryBytes: 16 * gib });
});
