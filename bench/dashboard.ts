/**
 * Measures how smooth the dashboard is with much data: the times of frames and the memory of the page in Chromium.
 *
 *   npm run bench:dashboard -- [--jobs 100] [--rows 1000000] [--seconds 5]
 *
 * One job has all rows of metrics, over eleven stages; the list of jobs does not read them. The rows are written into Redis by
 * the queue's own functions, as a worker would. Chromium, API and Redis have processes of their own.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openQueue, startPrivateRedis } from '@distillery/queue';
import { outputsResult, studentResult, teacherResult } from '@distillery/training/testing';
import { chromium, type Page } from 'playwright-core';
import { startApiProcess } from './api-process.ts';

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '100' },
    rows: { type: 'string', default: '1000000' },
    seconds: { type: 'string', default: '5' },
    browser: { type: 'string', default: '/usr/bin/chromium' },
  },
});
const [jobs, rows, seconds] = [values.jobs, values.rows, values.seconds].map(Number);

const folder = await mkdtemp(join(tmpdir(), 'distillery-bench-'));
const redis = await startPrivateRedis();
const queue = await openQueue({ url: redis.url, onOutage: 'wait' });
const mlp = { type: 'mlp', hidden: [8] };
const students = ['a', 'b', 'c', 'd'];
const seeds = [1, 2];
const body = (name: string) =>
  JSON.stringify({
    name,
    dataset: { source: 'shapes', trainCount: 100, testCount: 50 },
    teacher: { architecture: mlp },
    students: students.map((student) => ({
      name: student,
      architecture: mlp,
      method: [{ type: 'soft_target' }],
    })),
    seeds,
  });

async function submit(url: string, name: string): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${url}/v1/jobs`, { method: 'POST', headers, body: body(name) });
  if (!response.ok) throw new Error(await response.text());
  return ((await response.json()) as { id: string }).id;
}

async function begin(id: string, stage: string) {
  const attempt = await queue.attempts.begin(id, stage, 'bench');
  if ('skip' in attempt) throw new Error(attempt.skip);
  return attempt;
}

const batch = 1000;
const rowsOfEpoch = 500;

/** Writes rows of a stage: losses that fall, and the validation accuracy at the end of each epoch. */
async function write(attempt: Awaited<ReturnType<typeof begin>>, count: number): Promise<void> {
  for (let from = 0; from < count; from += batch) {
    const part = Array.from({ length: Math.min(batch, count - from) }, (_, index) => {
      const step = from + index + 1;
      const loss = 2 * Math.exp((-3 * step) / count) + 0.2 * Math.random();
      const values: Record<string, number> =
        step % rowsOfEpoch === 0
          ? { epoch_loss: loss, validation_accuracy: 0.9 - loss / 4 }
          : { loss, soft_target: loss / 2, cross_entropy: loss / 2, learningRate: 0.001 };
      return {
        epoch: Math.ceil(step / rowsOfEpoch),
        step,
        time: new Date().toISOString(),
        values,
      };
    });
    await queue.attempts.metrics(attempt, part, from / batch + 1);
  }
}

/** Runs on the page, as text: this program knows no browser. */
const recordFrames = `(() => {
  const own = (frameTimes = []);
  const tick = (time) => {
    if (frameTimes !== own) return;
    own.push(time);
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
})()`;

/** The times between frames in milliseconds while something happens on the page. */
async function frames(page: Page, act: (page: Page) => Promise<void>): Promise<string> {
  await page.evaluate(recordFrames);
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until) await act(page);
  const times = await page.evaluate<number[]>('frameTimes');
  const gaps = times
    .slice(1)
    .map((time, index) => time - times[index])
    .sort((a, b) => a - b);
  const at = (share: number) => gaps[Math.min(gaps.length - 1, Math.floor(gaps.length * share))].toFixed(1);
  return `${at(0.5)} / ${at(0.95)} / ${at(1)} ms`;
}

async function heap(page: Page): Promise<string> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  return `${(usedSize / 1e6).toFixed(1)} MB`;
}

const scroll = async (page: Page) => {
  await page.mouse.wheel(0, 120);
  await page.waitForTimeout(16);
};
const point = async (page: Page) => {
  const box = await page.getByRole('application').first().boundingBox();
  if (box === null) return;
  const { x, y, width, height } = box;
  await page.mouse.move(x + width * Math.random() * 0.8, y + height * Math.random());
};
const show = (...cells: string[]) => process.stdout.write(`| ${cells.join(' | ')} |\n`);

const { child, url } = await startApiProcess({ folder, redisUrl: redis.url, roots: folder });
const browser = await chromium.launch({
  executablePath: values.browser,
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  for (let job = 1; job < jobs; job++) await submit(url, `job ${job}`);
  const id = await submit(url, 'large');
  const stages = students.concat('control').flatMap((name) => seeds.map((seed) => `student.${name}.${seed}`));
  const share = Math.floor(rows / (stages.length + 1));
  const teacher = await begin(id, 'teacher');
  await write(teacher, share);
  await queue.attempts.succeed(teacher, teacherResult());
  await queue.attempts.succeed(await begin(id, 'outputs'), outputsResult());
  for (const stage of stages.slice(0, -1)) {
    const attempt = await begin(id, stage);
    await write(attempt, share);
    await queue.attempts.succeed(attempt, studentResult());
  }
  const last = await begin(id, stages.at(-1) ?? '');
  await write(last, share);

  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  show('page', 'ready after', 'frames: median / 95 % / longest', 'JS heap');
  show('---', '---:', '---:', '---:');
  let start = performance.now();
  await page.goto(`${url}/jobs`);
  await page.getByRole('link', { name: 'large' }).waitFor();
  const ready = () => `${(performance.now() - start).toFixed(0)} ms`;
  show(`${jobs} jobs, scrolled`, ready(), await frames(page, scroll), await heap(page));
  start = performance.now();
  await page.goto(`${url}/jobs/${id}`);
  await page.locator('.chart .line').first().waitFor({ state: 'attached', timeout: 120_000 });
  const opened = ready();
  show(`job of ${rows} rows, scrolled`, opened, await frames(page, scroll), await heap(page));
  await page.evaluate('scrollTo(0, 0)');
  show('the same, pointed at', '', await frames(page, point), await heap(page));
  const [live] = await Promise.all([frames(page, point), write(last, 20 * batch)]);
  show('the same, with new rows', '', live, await heap(page));
} finally {
  await browser.close();
  child.kill();
  await queue.close();
  await redis.stop();
  await rm(folder, { recursive: true });
}
