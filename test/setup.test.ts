import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

const root = resolve(import.meta.dirname, '..');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-setup-test-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

test('a line names system packages before they are installed, and no server is started', async () => {
  const { aptInstall } = (await import(join(root, 'scripts/setup/shell.mjs'))) as {
    aptInstall(packages: string[], print: (text: string) => void, policy: string): Promise<void>;
  };
  const [log, policy] = [join(folder, 'log'), join(folder, 'policy-rc.d')];
  // Replaces apt-get: it records its arguments and whether Debian's policy forbids starting servers.
  const program = `#!/bin/sh\necho "apt-get $* (policy: $(tail -1 ${policy}))" >> ${log}\n`;
  await writeFile(join(folder, 'apt-get'), program, { mode: 0o755 });
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env.PATH}`);
  const print = (text: string) => {
    expect(existsSync(policy), 'nothing is changed before the line').toBe(false);
    appendFileSync(log, `${text}\n`);
  };
  await aptInstall(['redis-server'], print, policy);
  const [announced, installed, ...rest] = (await readFile(log, 'utf8')).trim().split('\n');
  expect(announced).toBe('installing redis-server with apt-get');
  expect(installed).toMatch(/^apt-get .*install -y .*redis-server \(policy: exit 101\)$/);
  expect(rest).toEqual([]);
  expect(existsSync(policy)).toBe(false);
});

interface Locked {
  version: string;
  integrity?: string;
  optional?: boolean;
}

test('the lock file pins the GPU package with its integrity, and a tar without known vulnerabilities', () => {
  const text = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const { packages } = JSON.parse(text) as { packages: Record<string, Locked> };
  expect(packages['node_modules/@tensorflow/tfjs-node-gpu']).toMatchObject({
    version: '4.22.0',
    integrity: expect.stringMatching(/^sha512-/),
    optional: true,
  });
  const tars = Object.entries(packages).filter(([path]) => path.endsWith('node_modules/tar'));
  expect(tars).toHaveLength(1);
  const [major, minor] = tars[0][1].version.split('.').map(Number);
  expect(major).toBe(7);
  expect(minor).toBeGreaterThanOrEqual(5);
});
