import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type PrivateRedis, startPrivateRedis } from '@distillery/queue';
import type { RunningWorker } from '@distillery/worker';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Service, startService, workerModule } from './testing/service.ts';

const users = resolve(import.meta.dirname, '../deploy/redis/users.acl');
let folder: string;
let redis: PrivateRedis;
let service: Service;
let worker: RunningWorker;

const passwords = { api: 'of-the-api', worker: 'of-the-workers', operator: 'of-the-test' };
const urlOf = (name: keyof typeof passwords) =>
  redis.url.replace('//', `//${name === 'operator' ? name : `distillery-${name}`}:${passwords[name]}@`);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-users-'));
  const file = join(folder, 'users.acl');
  const text = (await readFile(users, 'utf8'))
    .replace('CHANGE-THIS-PASSWORD-OF-THE-API', passwords.api)
    .replace('CHANGE-THIS-PASSWORD-OF-THE-WORKERS', passwords.worker);
  await writeFile(file, `${text}user operator on >${passwords.operator} ~* &* +@all\n`);
  redis = await startPrivateRedis({
    dir: join(folder, 'redis'),
    settings: { requirepass: '', aclfile: file },
  });
  service = await startService({ workers: 0, redisUrl: urlOf('api') });
  const { startWorker } = await workerModule();
  worker = await startWorker({
    redisUrl: urlOf('worker'),
    store: join(service.folder, 'store'),
    dataDir: join(service.folder, 'data'),
    roots: [],
    log: pino({ level: 'silent' }),
  });
}, 60_000);
afterAll(async () => {
  await worker?.close();
  await service?.close();
  await redis?.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

/** Sends commands as a user over a connection of its own, in Redis' inline form. Returns the replies as Redis sends them. */
async function replies(name: keyof typeof passwords, commands: readonly string[]): Promise<string> {
  const user = name === 'operator' ? name : `distillery-${name}`;
  const socket = createConnection(Number(new URL(redis.url).port), '127.0.0.1');
  const lines = [`AUTH ${user} ${passwords[name]}`, ...commands, 'QUIT'];
  socket.write(lines.map((line) => `${line}\r\n`).join(''));
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  // Without the replies of AUTH and QUIT.
  return text.replace(/^\+OK\r\n/, '').replace(/\+OK\r\n$/, '');
}

test('a worker with the rights of a worker runs, pauses and continues a job', {
  timeout: 240_000,
}, async () => {
  const { client, queue } = service;
  const { id } = await client.jobs.create({
    dataset: { source: 'shapes', trainCount: 400, testCount: 50 },
    teacher: { architecture: { type: 'lightnn' } },
    students: [{ name: 'soft', architecture: { type: 'lightnn' }, method: [{ type: 'soft_target' }] }],
    training: { epochs: 20, batchSize: 50 },
  });
  const job = () => client.jobs.get(id);
  await expect
    .poll(async () => (await job()).stages[0].progress?.epoch ?? 0, { timeout: 60_000 })
    .toBeGreaterThan(1);
  await client.jobs.pause(id);
  await expect.poll(async () => (await job()).state, { timeout: 60_000 }).toBe('paused');
  await client.jobs.resume(id);
  await expect.poll(async () => (await job()).state, { timeout: 120_000 }).toBe('succeeded');
  expect((await job()).stages[0].attempt).toBe(2);
  const seen = (await queue.events.read(id)).map(({ type }) => type);
  for (const type of ['progress', 'metrics', 'checkpoint', 'log', 'report']) expect(seen).toContain(type);
  // What either user was refused, if anything.
  expect(await replies('operator', ['ACL LOG'])).toBe('*0\r\n');
});

test('the same user reads no keys, sessions, webhooks or audit, and runs no other command', async () => {
  const { apiKeys, webhooks } = service.queue;
  const key = await apiKeys.create({ name: 'ana', scope: 'admin', jobs: null, rate: null });
  const hook = await webhooks.create(
    { url: 'https://example.com/', description: '', events: ['job'], jobs: 'all' },
    null,
    undefined,
  );
  const prefix = '{distillery}';
  const refused = [
    `HGETALL ${prefix}:apikey:${key.id}`,
    `SMEMBERS ${prefix}:apikeys`,
    `HGETALL ${prefix}:webhook:${hook.id}`,
    `SMEMBERS ${prefix}:webhooks`,
    `HGETALL ${prefix}:session:x`,
    `XRANGE ${prefix}:audit - +`,
    `GET ${prefix}:idempotency:x`,
    `SET ${prefix}:requests:x 1`,
    `SADD ${prefix}:apikeys x`,
    // A script has the rights of who runs it.
    `EVAL "return redis.call('HGETALL','${prefix}:webhook:${hook.id}')" 0`,
    'KEYS *',
    'SCAN 0',
    'CONFIG GET requirepass',
    'FLUSHALL',
    'ACL LIST',
    'MONITOR',
  ];
  for (const command of refused) {
    expect(await replies('worker', [command]), command).toMatch(
      /^-(NOPERM|ERR The user executing the script can't access)/,
    );
  }
  // The user of the API reads the same, so that the refusals are those of the rights and not of misspelt names.
  expect(await replies('api', [`HGET ${prefix}:webhook:${hook.id} secret`])).toContain(hook.secret);
  expect(await replies('api', ['FLUSHALL'])).toMatch(/^-NOPERM/);
});
