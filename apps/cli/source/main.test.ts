import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { settingsOf } from '@distillery/spec/configuration';
import type { JobView } from '@distillery/spec';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { failedStage, jobOf, reportOf, studentOf } from './testing/report.ts';

let folder: string;
let server: Server;
let url: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-cli-'));
  server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const main = join(inject('built'), 'apps/cli/source/main.js');

/** Starts the program; its environment is the test's, with the API of the test. */
function start(args: string[], env: Record<string, string> = {}) {
  return spawn(process.execPath, [main, ...args], {
    env: { ...process.env, DISTILLERY_URL: url, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function ended(child: ReturnType<typeof start>) {
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code: code as number, stdout, stderr };
}

const distill = (...args: string[]) => ended(start(args));

test('shows its commands, and the help of each', async () => {
  const [bare, help, watching, nested, version] = await Promise.all([
    distill(),
    distill('--help'),
    distill('watch', '--help'),
    distill('help', 'keys'),
    distill('--version'),
  ]);
  expect(help.code).toBe(0);
  expect(bare).toEqual(help);
  for (const command of ['demo', 'up', 'validate', 'run', 'watch', 'report', 'download', 'delete', 'keys']) {
    expect(help.stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
  }
  expect(watching).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Usage: distill watch .*<job>/) });
  expect(watching.stdout).toMatch(/--url <value> .*DISTILLERY_URL/);
  expect(nested).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ {2}revoke .*<id>/m) });
  expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
});

test('has a flag for every setting of up that is not secret', async () => {
  const { stdout } = await distill('up', '--help');
  for (const [, { flag, variable }] of settingsOf('up')) {
    if (flag === undefined) continue;
    expect(stdout).toContain(`${flag} <value>`);
    expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(new RegExp(`\\(${variable}[,)]`));
  }
});

test.each([
  [['fly'], 2, "unknown command 'fly'"],
  [['watch'], 2, "missing required argument 'job'"],
  [['cancel', 'a', 'b'], 2, 'too many arguments'],
  [['watch', 'a', '--json'], 2, "unknown option '--json'"],
  [['up', '--trainer', '2'], 2, "unknown option '--trainer' (Did you mean --trainers?)"],
  [['demo', '--epochs', 'many'], 2, '--epochs is "many", it must be a whole number of at least 1'],
  [['up', '--trainers', '0'], 2, '--trainers is "0", it must be a whole number from 1 to 64'],
  [['watch', 'a', '--url', 'nowhere'], 2, '--url is "nowhere", it must be a URL that begins with http'],
  [
    ['keys', 'list', '--folder', '/nowhere'],
    2,
    'REDIS_URL is not set, and no "distill up" with a Redis of its own runs in /nowhere',
  ],
  [['report', 'a', 'b'], 2, 'too many arguments'],
  [['report', 'a', '--json', '--markdown'], 2, 'only one of --json, --markdown and --html can be given'],
  [['compare', 'a'], 2, 'two or more jobs can be compared'],
  [['completion', 'csh'], 2, 'the shell is "csh", it must be one of "bash", "zsh" or "fish"'],
  [['init', 'spec.txt'], 2, 'spec.txt must end in .yaml or .json'],
  [['init', '--example', 'none', '/tmp/never.yaml'], 2, 'there is no example "none"'],
  [['jobs', '--label', 'blue'], 2, '--label is "blue", it must be key=value'],
  [['run', 'nothing.json'], 2, 'cannot read nothing.json: there is no such file'],
] as const)('%j is refused', async (args, code, message) => {
  const result = await ended(start([...args], { REDIS_URL: '' }));
  expect(result).toMatchObject({ code, stdout: '' });
  expect(result.stderr.startsWith(`error ${message}`), result.stderr).toBe(true);
});

test('up refuses a bad setting, and warns of a misspelt one', async () => {
  const { code, stderr } = await ended(start(['up'], { STORE_DIRS: '/s', TRAINERS: 'two' }));
  expect(code).toBe(2);
  expect(stderr).toBe(
    'warning: STORE_DIRS is not a setting of Distillery, did you mean STORE_DIR?\n' +
      'error TRAINERS is "two", it must be a whole number from 1 to 64\n',
  );
});

test('names the API that cannot be reached, why, and what to do', async () => {
  await new Promise((closed) => server.close(closed));
  const { code, stderr } = await ended(start(['watch', 'a']));
  expect(code).toBe(4);
  expect(stderr).toBe(
    `error cannot reach ${url}: the connection was refused, no program listens on this port (ECONNREFUSED)\n` +
      '  start the service with "distill up", or set its address with --url or DISTILLERY_URL\n',
  );
});

test('without a key, names the setting that takes one', async () => {
  answer = (_request, response) =>
    void response.writeHead(401).end('{"code":"unauthorized","detail":"no key"}');
  const { stderr } = await distill('cancel', 'a');
  expect(stderr).toMatch(/^error no key\n {2}set DISTILLERY_TOKEN to an API key/);
});

test('names the file that is not JSON', async () => {
  const path = join(folder, 'job.json');
  await writeFile(path, '{');
  const { code, stderr } = await distill('validate', path);
  expect([code, stderr]).toEqual([2, expect.stringMatching(`^error ${path} is not JSON: `)]);
});

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s ends watch at once, and prints how to follow the job again',
  async (signal) => {
    answer = (_request, response) => void response.end(JSON.stringify(jobOf('job_1', { state: 'running' })));
    const asked = once(server, 'request');
    const child = start(['watch', 'job_1']);
    await asked;
    child.kill(signal);
    expect(await ended(child)).toMatchObject({
      code: 130,
      stderr: '  job_1 goes on; follow it with: distill watch job_1\n',
    });
  },
);

test('watch outlives an outage of the API, and fails when there was no API at first', async () => {
  const view = (state: JobView['state']) => JSON.stringify(jobOf('job_1', { state }));
  const answers: ((response: ServerResponse) => void)[] = [
    (response) => response.end(view('running')),
    (response) => response.destroy(),
    (response) => response.writeHead(503).end('{"detail":"Redis cannot be reached"}'),
    (response) => response.end(view('paused')),
    (response) => response.end(view('succeeded')),
  ];
  answer = ({ url }, response) => {
    // Events come in a stream of their own, and none comes here.
    if (url?.endsWith('/events'))
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(':\n\n');
    else answers.shift()?.(response);
  };
  expect(await distill('watch', 'job_1')).toEqual({
    code: 0,
    stdout:
      '  the API does not respond; trying again until it does\n' +
      '  paused; go on with: distill resume job_1\n',
    stderr: '',
  });
  expect(answers).toEqual([]);
  answer = (_request, response) => void response.writeHead(503).end('{"detail":"Redis cannot be reached"}');
  expect(await distill('watch', 'job_1')).toMatchObject({
    code: 4,
    stderr: 'error Redis cannot be reached\n',
  });
});

test('ends without an error when its reader closes the pipe', async () => {
  answer = (_request, response) => void response.end(JSON.stringify({ entries: 'x'.repeat(9_000_000) }));
  const child = start(['validate', join(folder, 'job.json'), '--json']);
  await writeFile(join(folder, 'job.json'), '{}');
  child.stdout.destroy();
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  expect([code, stderr]).toEqual([0, '']);
});

test("shows an API's refusal field by field", async () => {
  answer = (_request, response) => {
    response.writeHead(422, { 'content-type': 'application/problem+json' }).end(
      JSON.stringify({
        code: 'invalid_spec',
        detail: 'the spec is not valid',
        errors: [{ path: '/training/epochs', message: 'is too small', allowed: { minimum: 1 } }],
      }),
    );
  };
  const path = join(folder, 'job.json');
  await writeFile(path, '{}');
  const { code, stderr } = await distill('run', path);
  expect(code).toBe(3);
  expect(stderr).toBe(
    'error the spec is not valid\n  /training/epochs is too small (allowed: {"minimum":1})\n',
  );
});

test('writes one page of the reports of several jobs, one of which failed', {
  timeout: 120_000,
}, async () => {
  const soft = studentOf({ name: 'soft', runs: [{ last: 0.7, best: 0.71 }] });
  const pages: Record<string, unknown> = {
    '/v1/jobs/job_1': jobOf('job_1'),
    '/v1/jobs/job_1/report': reportOf([soft]),
    '/v1/jobs/job_1/spec': { dataset: {}, students: [], seeds: [1] },
    '/v1/jobs/job_2/spec': { dataset: {}, students: [], seeds: [2] },
    '/v1/jobs/job_2': jobOf('job_2', {
      state: 'failed',
      stages: [failedStage('student.fsp.1', 'fsp is NaN')],
    }),
  };
  answer = ({ url = '' }, response) => {
    response.writeHead(url in pages ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(pages[url] ?? { detail: `there is no ${url}` }));
  };
  const { code, stdout } = await distill('compare', 'job_1', 'job_2', '--markdown');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^# Small networks\n/);
  expect(stdout).toContain('| soft | cross_entropy 1 | 70.00 | 71.00 |');
  expect(stdout).toContain('job_2, student.fsp.1 failed: fsp is NaN');
  expect(JSON.parse((await distill('report', 'job_1', '--json')).stdout)).toMatchObject({ job: 'job_1' });
  expect((await distill('report', 'job_1', '--markdown')).stdout).toMatch(/^# Small networks\n/);
  const both = (await distill('compare', 'job_1', 'job_2')).stdout;
  expect(both).toMatch(/^ +1 {2}soft +71\.0 /m);
  expect(both).toMatch(/^ {2}2 {2}job_2 .*failed: no report$/m);
  expect(both).toMatch(/^ {2}seeds +\[1\] +\[2\]$/m);
  for (const line of both.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  const file = join(folder, 'report.html');
  expect(await distill('report', 'job_1', '--html', file)).toMatchObject({ code: 0, stdout: `  ${file}\n` });
  const html = await readFile(file, 'utf8');
  expect(html).toMatch(/^<!doctype html>[^]*<td>soft<\/td>[^]*<svg [^]*<\/html>\n$/);
  expect(html).not.toMatch(/<script|<link|src=|url\(|https?:/);
});

test('writes a spec from an example, in YAML that it reads again, and replaces no file', async () => {
  const file = join(folder, 'job.yaml');
  const init = (...more: string[]) => distill('init', file, '--example', 'first-steps', ...more);
  expect(await init()).toMatchObject({ code: 0, stdout: expect.stringContaining(`distill run ${file}`) });
  expect(await init()).toMatchObject({ code: 2, stderr: expect.stringContaining('--force') });
  expect((await init('--force')).code).toBe(0);
  let sent = '';
  answer = async (request, response) => {
    sent = await text(request);
    response.end('{}');
  };
  await distill('validate', file, '--json');
  expect(JSON.parse(sent)).toMatchObject({ name: 'first steps', seeds: [1, 2, 3] });
  expect(await ended(start(['init', join(folder, 'other.yaml')]))).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('there is no terminal to ask at'),
  });
});

test.each([
  [
    'bash',
    ['-n'],
    ['-c', 'source "$1"; COMP_WORDS=(distill rep); COMP_CWORD=1; _distill; echo "${COMPREPLY[*]}"'],
  ],
  ['zsh', ['-n'], undefined],
  ['fish', ['-n'], ['-c', 'source $argv[1]; complete -C "distill rep"']],
] as const)('completes commands in %s', async (shell, check, complete) => {
  const script = join(folder, `distill.${shell}`);
  const { stdout, code } = await distill('completion', shell);
  expect(code).toBe(0);
  await writeFile(script, stdout);
  const run = (args: readonly string[]) =>
    promisify(execFile)(shell, [...args]).then(
      (done) => done.stdout,
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
        return undefined;
      },
    );
  const checked = await run([...check, script]);
  if (checked === undefined) return console.log(`${shell} is not installed: its completion is not tested.`);
  expect(checked).toBe('');
  if (complete === undefined) return;
  const [flag, program] = complete;
  const found = await run(shell === 'bash' ? [flag, program, 'bash', script] : [flag, program, script]);
  expect(found).toMatch(/^report\b/);
});
