import type { DistilleryQueue } from '@distillery/queue';

/** What planning wants to know of the workers. */
export interface LiveWorkers {
  /** Their median speed, for estimates. */
  gigaflops?: number;
  /** Why none of them trains in bfloat16; absent where one does, or where no worker has told. */
  bfloat16Refusal?: string;
}

/** What the workers tell of themselves; a plan must not fail because nobody does. */
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
