/**
 * Measures the API while it reads a large uploaded data set for the first time:
 *
 *   npm run bench:profiles -- [--megabytes 1000] [--limit 900]
 *
 * A CSV file of texts is uploaded and read, and meanwhile four routes are asked in turn every 20 ms.
 */
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { openAsBlob } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createClient } from '@distillery/client';
import { startPrivateRedis } from '@distillery/queue';
import { startApiProcess } from './api-process.ts';

const { values } = parseArgs({
  options: { megabytes: { type: 'string', default: '1000' }, limit: { type: 'string', default: '900' } },
});
const [megabytes, limit] = [values.megabytes, values.limit].map(Number);

const folder = await mkdtemp(join(tmpdir(), 'distillery-bench-'));
const redis = await startPrivateRedis();
const { child, url } = await startApiProcess({ folder, redisUrl: redis.url, roots: folder });
try {
  const client = createClient(url);
  const path = join(folder, 'large.csv');
  const rows = await writeCsv(path);
  const idle = await asked(delay(5000));
  print('without other work', idle);
  const begun = performance.now();
  const uploading = client.datasets.add(await openAsBlob(path), {}, { name: 'large.csv', early: true });
  print('while the file is uploaded', await asked(uploading));
  const { id } = await uploading;
  const uploaded = performance.now();
  const reading = client.datasets.wait(id, { signal: AbortSignal.timeout(limit * 1000) });
  print('while the data set is read', await asked(reading));
  const { summary } = await reading;
  const seconds = (from: number) => ((performance.now() - from) / 1000).toFixed(0);
  console.log(
    `${megabytes} MB, ${rows} rows: uploaded in ${((uploaded - begun) / 1000).toFixed(0)} s, read in ${seconds(uploaded)} s; ${JSON.stringify(summary)}`,
  );
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
  console.log(`most memory of the API: ${Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024)} MiB`);
} finally {
  child.kill('SIGTERM');
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}

/** Asks for pages until a promise settles, and returns the milliseconds of each answer. */
async function asked(during: Promise<unknown>): Promise<number[]> {
  let over = false;
  const end = () => (over = true);
  during.then(end, end);
  const routes = ['/healthz', '/v1/jobs', '/v1/datasets', '/v1/sources'];
  const milliseconds: number[] = [];
  for (let index = 0; !over; index++) {
    const begun = performance.now();
    const answer = await fetch(url + routes[index % routes.length]);
    await answer.arrayBuffer();
    if (!answer.ok) throw new Error(`${answer.url} answered ${answer.status}`);
    milliseconds.push(performance.now() - begun);
    await delay(20);
  }
  return milliseconds;
}

function print(when: string, milliseconds: number[]): void {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(1);
  console.log(
    `${when}: ${sorted.length} answers, median ${at(0.5)} ms, 99 % within ${at(0.99)} ms, longest ${at(1)} ms`,
  );
}

/** Writes rows until the file has the size, and returns how many. */
async function writeCsv(path: string): Promise<number> {
  const file = await open(path, 'w');
  await file.write('text,label\n');
  let rows = 0;
  for (let written = 0; written < megabytes * 1e6; ) {
    const block = Array.from({ length: 5000 }, () => {
      const words = Array.from({ length: 12 }, (_, i) => `word${(rows * 31 + i * 17 + rows * i) % 20_011}`);
      return `"${words.join(' ')}",${rows++ % 7}\n`;
    }).join('');
    await file.write(block);
    written += block.length;
  }
  await file.close();
  return rows;
}
