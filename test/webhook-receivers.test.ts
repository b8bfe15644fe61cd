import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { expect, onTestFinished, test } from 'vitest';

const page = readFileSync(resolve(import.meta.dirname, '../docs/webhooks.md'), 'utf8');

/** The program of this language on the page. */
function program(language: string): string {
  const [, text] = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(page) ?? [];
  if (text === undefined) throw new Error(`docs/webhooks.md has no program in ${language}`);
  return text;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const hasPython = spawnSync('python3', ['--version']).status === 0;

test.each([
  ['js', process.execPath, 'receiver.mjs', true],
  ['python', 'python3', 'receiver.py', hasPython],
])('the receiver in %s takes what is signed, and nothing else', async (language, command, name, runs) => {
  if (!runs) {
    console.warn('skipped: there is no python3');
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'distillery-receiver-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, name);
  writeFileSync(file, program(language));
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const port = await freePort();
  const receiver = spawn(command, [file], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, WEBHOOK_SECRET: secret, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void receiver.kill());
  let printed = '';
  receiver.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));

  const body = JSON.stringify({ type: 'job.succeeded', data: { name: 'Größe' } });
  const send = async (secretOf: string, { time = new Date(), sent = body } = {}): Promise<number> => {
    const headers = {
      'webhook-id': '1769853852345-0',
      'webhook-timestamp': String(Math.floor(time.getTime() / 1000)),
      'webhook-signature': `v1,AAAA ${new Webhook(secretOf).sign('1769853852345-0', time, body)}`,
    };
    const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body: sent });
    return response.status;
  };
  await expect.poll(() => send(secret).catch(() => 0), { timeout: 20_000 }).toBe(204);
  await expect.poll(() => printed).toContain('job.succeeded');
  expect(await send(`whsec_${randomBytes(32).toString('base64')}`)).toBe(401);
  expect(await send(secret, { sent: body.replace('succeeded', 'failed') })).toBe(401);
  expect(await send(secret, { time: new Date(Date.now() - 600_000) })).toBe(401);
  expect((await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body })).status).toBe(401);
});
