/**
 * Measures what open streams of events cost an API: memory and CPU while they are idle, and how long an event takes to reach
 * all of them.
 *
 *   npm run bench:events -- [--streams 2000] [--seconds 30] [--events 20]
 *
 * API, Redis and the readers have processes of their own. Half of the streams follow one job, the others all jobs.
 */
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { openQueue, startPrivateRedis } from '@distillery/queue';
import { startApiProcess } from './api-process.ts';

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '2000' },
    seconds: { type: 'string', default: '30' },
    events: { type: 'string', default: '20' },
  },
});
const [streams, seconds, events] = [values.streams, values.seconds, values.events].map(Number);

const folder = await mkdtemp(join(tmpdir(), 'distillery-bench-'));
const redis = await startPrivateRedis();
const queue = await openQueue({ url: redis.url, onOutage: 'wait' });

/** The resident memory of a process in MB and the seconds of CPU that it has used (proc(5)). */
async function usage(pid: number): Promise<{ megabytes: number; cpu: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ');
  return {
    megabytes: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024,
    cpu: (Number(fields[11]) + Number(fields[12])) / 100,
  };
}

let received = 0;
async function open(port: number, path: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  socket.on('data', (text: string) => (received += text.split('event: log').length - 1));
  await once(socket, 'data');
  return socket;
}

const show = (what: string, value: number, unit: string) =>
  process.stdout.write(`| ${what} | ${value.toFixed(2)} ${unit} |\n`);

try {
  const { child, url } = await startApiProcess({ folder, redisUrl: redis.url, roots: folder });
  const sockets: Socket[] = [];
  try {
    const lightnn = { type: 'lightnn' };
    const body = JSON.stringify({
      dataset: { source: 'shapes', trainCount: 100, testCount: 50 },
      teacher: { architecture: lightnn },
      students: [{ name: 's', architecture: lightnn, method: [{ type: 'soft_target' }] }],
    });
    const headers = { 'content-type': 'application/json' };
    const posted = await fetch(`${url}/v1/jobs`, { method: 'POST', headers, body });
    const { id } = (await posted.json()) as { id: string };
    const attempt = await queue.attempts.begin(id, 'teacher', 'bench');
    if ('skip' in attempt) throw new Error(attempt.skip);
    const pid = child.pid as number;
    await delay(2000);
    const before = await usage(pid);
    const port = Number(new URL(url).port);
    for (let i = 0; i < streams; i++)
      sockets.push(await open(port, i % 2 ? '/v1/events' : `/v1/jobs/${id}/events`));
    await delay(2000);
    const opened = await usage(pid);
    await delay(seconds * 1000);
    const idle = await usage(pid);
    process.stdout.write(`| ${streams} streams | |\n|---|---|\n`);
    show('memory of the API before', before.megabytes, 'MB');
    show('memory with the streams', idle.megabytes, 'MB');
    show('CPU to open them', opened.cpu - before.cpu, 's');
    show('CPU while idle', (100 * (idle.cpu - opened.cpu)) / seconds, '% of a core');
    const times: number[] = [];
    for (let i = 1; i <= events; i++) {
      const begun = performance.now();
      await queue.attempts.log(attempt, [
        { source: 'trainer', level: 'info', message: 'a line of some words' },
      ]);
      while (received < i * streams && performance.now() - begun < 10_000) await delay(2);
      times.push(performance.now() - begun);
    }
    const spread = await usage(pid);
    show('an event reaches all of them, median', times.sort((a, b) => a - b)[times.length >> 1], 'ms');
    show('CPU for an event', (1000 * (spread.cpu - idle.cpu)) / events, 'ms');
  } finally {
    for (const socket of sockets) socket.destroy();
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
} finally {
  await queue.close();
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}
