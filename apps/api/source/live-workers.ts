import type { DistilleryQueue } from '@distillery/queue';

/** The facts about running workers that planning uses. */
export interface LiveWorkers {
  /** The median speed of the workers in GFLOP/s, for estimates. */
  gigaflops?: number;
  /** Why no worker trains in bfloat16; absent when one does, and when no worker runs. */
  bfloat16Refusal?: string;
}

/** Returns the facts that workers report. A plan must not fail because no worker runs or Redis is unreachable. */
export async function liveWorkers(queue: DistilleryQueue): Promise<LiveWorkers> {
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
