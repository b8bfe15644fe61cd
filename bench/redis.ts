/**
 * Compares `appendfsync always` with `everysec`: the writes of small jobs, one after another and twenty at once, in turn, each
 * with a separate server and folder.
 *
 *   npm run bench:redis -- [--rounds 5] [--jobs 40] [--dir FOLDER on the disk to measure]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type DistilleryQueue, openQueue, startPrivateRedis } from '@distillery/queue';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    jobs: { type: 'string', default: '40' },
    dir: { type: 'string', default: tmpdir() },
  },
});
const [rounds, jobs] = [Number(values.rounds), Number(values.jobs)];
const syncs = ['always', 'everysec'] as const;

/** Twelve writes, like those of the API and a worker for a job with one short stage. */
async function doJob({ jobs: records, stages: queued, attempts }: DistilleryQueue): Promise<void> {
  const stages = [{ id: 'teacher', kind: 'teacher', needs: [], work: 1, input: {} }];
  const plan = { version: 1, distillery: '0.0.0', stages };
  const spec = { padding: 'x'.repeat(2000) };
  const { view } = await records.create({ name: null, labels: {}, posted: spec, spec, plan });
  await queued.offer();
  const begun = await attempts.begin(view.id, 'teacher', 'bench');
  if ('skip' in begun) throw new Error(begun.skip);
  for (let step = 1; step <= 4; step++) {
    const time = new Date().toISOString();
    const row = { epoch: 1, step, time, values: { loss: 1 / step, cross_entropy: 1 / step } };
    await attempts.metrics(
      begun,
      Array.from({ length: 20 }, () => row),
    );
    const progress = { phase: 'training', fraction: step / 4, epoch: 1, epochs: 1, step, steps: 4 };
    await attempts.progress(begun, { ...progress, loss: 1 / step, samplesPerSecond: 100 });
  }
  await attempts.succeed(begun, { digest: 'x'.repeat(64) });
}

/** Returns milliseconds per job. */
async function measure(sync: string, atOnce: number): Promise<number> {
  const dir = await mkdtemp(join(values.dir, 'distillery-bench-'));
  const redis = await startPrivateRedis({ dir, settings: { appendfsync: sync } });
  const queue = await openQueue({ url: redis.url, onOutage: 'wait' });
  try {
    await doJob(queue);
    const begun = performance.now();
    let left = jobs;
    const worker = async () => {
      while (left-- > 0) await doJob(queue);
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    return (performance.now() - begun) / jobs;
  } finally {
    await queue.close();
    await redis.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

for (const atOnce of [1, 20]) {
  const measured: Record<(typeof syncs)[number], number[]> = { always: [], everysec: [] };
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? syncs : syncs.toReversed();
    for (const sync of order) measured[sync].push(await measure(sync, atOnce));
  }
  const [always, everysec] = syncs.map((sync) => median(measured[sync]));
  const ratio = median(measured.always.map((milliseconds, i) => milliseconds / measured.everysec[i]));
  console.log(
    `${atOnce} at once: always ${always.toFixed(2)} ms a job, everysec ${everysec.toFixed(2)}, ratio ${ratio.toFixed(2)}`,
  );
}
