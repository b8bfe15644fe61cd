import type { DistilleryQueue } from '@distillery/queue';
import type { WorkerFacts } from '@distillery/training';

/**
 * Returns the facts that workers report: their median speed, and why none trains in bfloat16, which is absent when no worker runs. A
 * plan must not fail because no worker runs or Redis is unreachable.
 */
export async function liveWorkers(queue: DistilleryQueue): Promise<WorkerFacts> {
  const engines = (await queue.workers.list().catch(() => [])).map(({ engine }) => engine);
  const speeds = engines
    .map(({ gigaflops }) => gigaflops)
    .filter((speed) => speed !== null)
    .sort((a, b) => a - b);
  const median = speeds[Math.floor(speeds.length / 2)];
  const refusals = engines.map(({ bfloat16 }) => bfloat16).filter((reason) => reason !== null);
  return {
    ...(median === undefined ? {} : { gigaflops: median }),
    ...(refusals.length > 0 && refusals.length === engines.length ? { bfloat16Refusal: refusals[0] } : {}),
  };
}
