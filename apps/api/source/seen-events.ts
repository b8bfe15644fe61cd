import type { DistilleryQueue, Followed } from '@distillery/queue';
import { type Caller, projectSeenBy, sees } from './caller.ts';

/** Passes on the events of the jobs that a caller sees. */
export async function* seenEvents(
  queue: DistilleryQueue,
  caller: Caller | null,
  parts: AsyncIterable<Followed>,
): AsyncGenerator<Followed> {
  if (projectSeenBy(caller) === undefined) {
    yield* parts;
    return;
  }
  /** By job; the owner of a job never changes. */
  const known = new Map<string, boolean>();
  const isSeen = async (job: string): Promise<boolean> => {
    const before = known.get(job);
    if (before !== undefined) return before;
    // A job that has been deleted meanwhile belongs to no project.
    const now = await queue.jobs.header(job).then(
      ({ owner }) => sees(caller, owner),
      () => false,
    );
    if (known.size >= mostKnown) known.clear();
    known.set(job, now);
    return now;
  };
  for await (const part of parts) {
    if ('gone' in part) {
      yield part;
      continue;
    }
    const events: typeof part.events = [];
    for (const event of part.events)
      if (event.job !== undefined && (await isSeen(event.job))) events.push(event);
    if (events.length > 0) yield { events };
  }
}

const mostKnown = 10_000;
