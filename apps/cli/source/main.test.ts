import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { failedStage, jobOf, reportOf, studentOf } from './testing/report.ts';

let folder: string;
let server: Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-cli-'));
  server = createServer((request, response) => answer(request, response));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});
afterEach(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

function distill(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const main = resolve(import.meta.dirname, 'main.ts');
  return new Promise((done) => {
    execFile(
      process.execPath,
      ['--import', 'tsx', main, ...args],
      { env: { ...process.env, DISTILLERY_URL: url, NO_COLOR: '1' } },
      (error, stdout, stderr) => done({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

test('tells how it is used', async () => {
  const { code, stdout } = await distill('--help');
  expect(code).toBe(0);
  for (const command of ['demo', 'up', 'validate', 'run', 'watch', 'report', 'download']) {
    expect(stdout).toContain(`distill ${command}`);
  }
});

test('refuses what it does not know', async () => {
  expect(await distill('fly')).toMatchObject({ code: 1, stderr: expect.stringContaining('no command fly') });
  expect(await distill('watch')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('JOB is missing'),
  });
  const bad = await distill('demo', '--epochs', 'many');
  expect(bad).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('--epochs is "many", it must be a whole number of at least 1'),
  });
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
  expect(code).toBe(1);
  expect(stderr).toBe(
    'error the spec is not valid\n  /training/epochs is too small (allowed: {"minimum":1})\n',
  );
});

test('makes a page of the reports of several jobs, one of which has failed', {
  timeout: 120_000,
}, async () => {
  const soft = studentOf({ name: 'soft', runs: [{ last: 0.7, best: 0.71 }] });
  const pages: Record<string, unknown> = {
    '/v1/jobs/job_1': jobOf('job_1'),
    '/v1/jobs/job_1/report': reportOf([soft]),
    '/v1/jobs/job_2': jobOf('job_2', {
      state: 'failed',
      stages: [failedStage('student.fsp.1', 'fsp is NaN')],
    }),
  };
  answer = ({ url = '' }, response) => {
    response.writeHead(url in pages ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(pages[url] ?? { detail: `there is no ${url}` }));
  };
  const { code, stdout } = await distill('report', 'job_1', 'job_2', '--format', 'markdown');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^# Small networks\n/);
  expect(stdout).toContain('| soft | cross_entropy 1 | 70.00 | 71.00 |');
  expect(stdout).toContain('job_2, student.fsp.1 failed: fsp is NaN');
  expect(JSON.parse((await distill('report', 'job_1', '--json')).stdout)).toMatchObject({ job: 'job_1' });
  expect(await distill('report', 'job_1', '--format', 'html')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('--format html: must be one of: table, json, markdown'),
  });
});
