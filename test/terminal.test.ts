import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { JobSpecInput } from '@distillery/spec';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { parse } from 'yaml';
import { type Service, startService } from './testing/service.ts';

// The command line in a pseudo-terminal, which script(1) of util-linux makes: what is drawn, and what keys do.

const hasScript =
  existsSync('/usr/bin/script') &&
  /util-linux/.test(execFileSync('script', ['--version'], { encoding: 'utf8' }));
const escape = '\u001B';
const [hideCursor, showCursor] = [`${escape}[?25l`, `${escape}[?25h`];
const [colour, upwards] = [String.raw`\[3\dm`, String.raw`\[\d+A`].map(
  (rest) => new RegExp(escape + rest, 'g'),
);

/** Twelve epochs of few images: some seconds, in which the table is drawn anew. */
const spec: JobSpecInput = {
  name: 'terminal',
  dataset: { source: 'shapes', trainCount: 400, testCount: 100 },
  teacher: { architecture: { type: 'mlp', hidden: [16] } },
  students: [{ name: 'soft', architecture: { type: 'mlp', hidden: [8] }, method: [{ type: 'soft_target' }] }],
  seeds: [1],
  training: { epochs: 12, batchSize: 20 },
};

describe.skipIf(!hasScript)('in a terminal of 80 columns', () => {
  let service: Service;
  let folder: string;
  const started: ChildProcess[] = [];

  beforeAll(async () => {
    service = await startService();
    folder = await mkdtemp(join(tmpdir(), 'distillery-terminal-'));
  }, 120_000);
  afterEach(() => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
  });
  afterAll(async () => {
    await service?.close();
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  /** Starts `distill` in a terminal. */
  function distill(...args: string[]) {
    const command = [process.execPath, join(inject('built'), 'apps/cli/source/main.js'), ...args]
      .map(quoted)
      .join(' ');
    const child = spawn('script', ['-qefc', `stty cols 80 rows 24; exec ${command}`, '/dev/null'], {
      cwd: folder,
      env: {
        ...process.env,
        DISTILLERY_URL: service.url,
        TERM: 'xterm-256color',
        // Node shows no colours on servers of continuous integration.
        CI: undefined,
        NO_COLOR: undefined,
        FORCE_COLOR: undefined,
      },
    });
    started.push(child);
    let shown = '';
    child.stdout.on('data', (part: Buffer) => {
      shown += part.toString();
    });
    const code = new Promise<number | null>((done) => child.on('close', done));
    return {
      code,
      shown: () => shown,
      type: (keys: string) => child.stdin.write(keys),
      /** Waits until the terminal has shown a text. */
      waitFor: (text: string) => expect.poll(() => shown, { timeout: 30_000 }).toContain(text),
    };
  }

  test('a watched job is a table that is drawn in place, in colours, and the cursor comes back', {
    timeout: 120_000,
  }, async () => {
    const { id } = await service.client.jobs.create(spec);
    const watching = distill('watch', id);
    expect(await watching.code).toBe(0);
    const shown = watching.shown();
    expect(shown).toContain(hideCursor);
    expect(shown.lastIndexOf(showCursor)).toBeGreaterThan(shown.lastIndexOf(hideCursor));
    expect(shown).toMatch(colour);
    // Drawn again and again: the cursor goes up.
    expect(shown.match(upwards)?.length ?? 0).toBeGreaterThan(2);
    expect(shown).toContain('soft');
    for (const line of plain(shown).split(/\r?\n|\r/)) expect(line.length).toBeLessThanOrEqual(80);
  });

  test('Ctrl-C ends the watch, not the job, and says how to go on', { timeout: 120_000 }, async () => {
    const { id } = await service.client.jobs.create({ ...spec, training: { epochs: 2000, batchSize: 20 } });
    const watching = distill('watch', id);
    await watching.waitFor(hideCursor);
    watching.type('\u0003');
    expect(await watching.code).toBe(130);
    expect(watching.shown()).toContain(`${id} goes on; follow it with: distill watch ${id}`);
    expect(watching.shown().lastIndexOf(showCursor)).toBeGreaterThan(
      watching.shown().lastIndexOf(hideCursor),
    );
    expect((await service.client.jobs.get(id)).state).toMatch(/queued|running/);
    await service.client.jobs.cancel(id);
  });

  test('init asks, takes names and numbers, asks again, and writes a spec that the service accepts', {
    timeout: 60_000,
  }, async () => {
    const asking = distill('init', 'mine.yaml');
    for (const [question, answer] of [
      ['name of the job', 'my job'],
      ['train on', '1'],
      ['What is the teacher', 'deepnn'],
      ['What is the student', 'nonsense'],
      ['nonsense is none of them', 'lightnn'],
      ['learn from the teacher', ''],
      ['How many epochs', '0'],
      ['at least 1', '2'],
      ['How many seeds', ''],
    ]) {
      await asking.waitFor(question);
      asking.type(`${answer}\r`);
    }
    expect(await asking.code).toBe(0);
    expect(asking.shown()).toContain('mine.yaml is written');
    const written = parse(await readFile(join(folder, 'mine.yaml'), 'utf8')) as JobSpecInput;
    expect(written).toMatchObject({ name: 'my job', seeds: [1, 2, 3], training: { epochs: 2 } });
    expect((await service.client.jobs.validate(written)).stages.length).toBeGreaterThan(4);
  });

  test('lists have colours in a terminal and none in a pipe', { timeout: 60_000 }, async () => {
    const inTerminal = distill('jobs');
    expect(await inTerminal.code).toBe(0);
    expect(inTerminal.shown()).toMatch(colour);
    const main = join(inject('built'), 'apps/cli/source/main.js');
    const env = { ...process.env, DISTILLERY_URL: service.url };
    const { stdout: piped } = await promisify(execFile)(process.execPath, [main, 'jobs'], { env });
    expect(piped).not.toContain('\u001B');
    expect(plain(inTerminal.shown())).toContain('terminal');
  });
});

/** The text without the sequences that move and colour it. */
function plain(text: string): string {
  return text.replaceAll(new RegExp(`${escape}${String.raw`\[[?\d;]*[A-Za-z]`}`, 'g'), '');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
