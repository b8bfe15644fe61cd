import { capabilitiesOf, type DistilleryQueue } from '@distillery/queue';
import type { PlanContext } from '@distillery/training';

/** The facts about running workers that planning uses. */
type WorkerFacts = Pick<PlanContext, 'gigaflops' | 'paces' | 'running' | 'capabilities' | 'bfloat16Refusal'>;

/**
 * Returns the facts that workers report: how many run, what they are capable of, their speeds, and why none trains in bfloat16, which is absent when no
 * worker runs. A plan must not fail because no worker runs or Redis is unreachable.
 */
export async function liveWorkers(queue: DistilleryQueue): Promise<WorkerFacts> {
  const [workers, standing] = await Promise.all([
    queue.workers.list().catch(() => undefined),
    queue.standing().catch(() => undefined),
  ]);
  const refusals = (workers ?? []).map(({ engine }) => engine.bfloat16).filter((reason) => reason !== null);
  return {
    running: workers?.length,
    capabilities: workers?.map(capabilitiesOf),
    gigaflops: standing?.paces.gigaflops,
    paces: standing?.paces.kinds,
    ...(refusals.length > 0 && refusals.length === workers?.length ? { bfloat16Refusal: refusals[0] } : {}),
  };
}
