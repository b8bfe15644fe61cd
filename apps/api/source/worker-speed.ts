import type { DistilleryQueue } from '@distillery/queue';

/** The median speed of the live workers, for estimates; a plan must not fail because nobody tells it. */
export async function workerSpeed(queue: DistilleryQueue): Promise<{ gigaflops?: number }> {
  const workers = await queue.workers.list().catch(() => []);
  const speeds = workers
    .map(({ engine }) => engine.gigaflops)
    .filter((speed) => speed !== null)
    .sort((a, b) => a - b);
  const median = speeds[Math.floor(speeds.length / 2)];
  return median === undefined ? {} : { gigaflops: median };
}
