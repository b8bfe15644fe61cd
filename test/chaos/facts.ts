import { setTimeout as delay } from 'node:timers/promises';
import type { Store } from '@distillery/store';
import type { DistilleryQueue } from '@distillery/queue';
import { type JobEvent, type JobState, type JobView, jobStates, type Report } from '@distillery/spec';
import { type Weights, weightsOf } from './reference.ts';

/** A row of a training curve, with the time in ms at which Redis stored it. */
interface Row {
  stage: string;
  attempt: number;
  at: number;
}

/** Everything that the checks read of a job. */
export interface JobFacts {
  /** The name in its spec. */
  name: string;
  view: JobView;
  events: JobEvent[];
  rows: Row[];
  /** The digests that its results list, each with the reason why its blob does not verify, or null. */
  digests: Record<string, string | null>;
  /** Undefined without a report. */
  weights: Weights | undefined;
}

/** Repeats a call while Redis is down. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (tries >= 60 || (error as { code?: string }).code !== 'redis_unavailable') throw error;
      await delay(500);
    }
  }
}

export async function factsOf(queue: DistilleryQueue, store: Store, id: string): Promise<JobFacts> {
  const { view } = await patiently(() => queue.jobs.get(id));
  const results = await patiently(() => queue.jobs.results(id));
  const { report } = (results.report ?? {}) as { report?: Report };
  return {
    name: view.name ?? '',
    view,
    events: await eventsOf(queue, id),
    rows: await rowsOf(queue, id),
    digests: await verified(store, digestsIn(results)),
    weights: report && weightsOf(report),
  };
}

async function eventsOf(queue: DistilleryQueue, id: string): Promise<JobEvent[]> {
  const events: JobEvent[] = [];
  for (;;) {
    const page = await patiently(() => queue.events.read(id, events.at(-1)?.id));
    if (page.length === 0) return events;
    events.push(...page);
  }
}

/** Reads one row at a time, because a page has the position of its last row only. */
async function rowsOf(queue: DistilleryQueue, id: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (let after: string | undefined; ; ) {
    const page = await patiently(() => queue.metrics.read(id, { limit: 1, after, attempts: 'all' }));
    for (const { stage, attempt } of page.rows) {
      rows.push({ stage, attempt, at: Number.parseInt(page.after ?? '', 10) });
    }
    if (!page.more) return rows;
    after = page.after ?? undefined;
  }
}

/** Returns every digest that has a size beside it, and every blob of a checkpoint, at any depth. */
export function digestsIn(document: unknown): string[] {
  const found = new Set<string>();
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const { digest, size, blob } = value as Record<string, unknown>;
    if (typeof digest === 'string' && typeof size === 'number') found.add(digest);
    if (typeof blob === 'string') found.add(blob);
    Object.values(value).forEach(walk);
  };
  walk(document);
  return [...found];
}

export async function verified(
  store: Store,
  digests: readonly string[],
): Promise<Record<string, string | null>> {
  const found: Record<string, string | null> = {};
  for (const digest of digests) {
    found[digest] = await store.read(digest).then(
      () => null,
      (error: Error) => error.message,
    );
  }
  return found;
}

/** Returns the ids in the index of each state. */
export async function idsByState(queue: DistilleryQueue): Promise<Record<JobState, string[]>> {
  const found = {} as Record<JobState, string[]>;
  for (const state of jobStates) {
    found[state] = [];
    for (let after: string | undefined; ; ) {
      const page = await patiently(() => queue.jobs.list({ state, limit: 100, after }));
      found[state].push(...page.jobs.map(({ id }) => id));
      if (page.next === null) break;
      after = page.next;
    }
  }
  return found;
}
