import type { JobEvent } from '@distillery/spec';
import { type Client, guarded } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import { entryFields, isStreamId } from '../redis/stream.ts';
import { furthestOf } from './record.ts';

/** The event log of each job; `jobEventSchema` describes the events, scripts/ write them. */
export function eventLog(redis: Client, keys: Keys) {
  return {
    /**
     * Reads the events after the one with the id `after`, or from the first one that is kept, in their order.
     *
     * @param after the id of an event, which need not be there any more; anything else reads from the first one
     * @param limit most events to return, default 1000
     */
    read: guarded(async (jobId: string, after?: string, limit: number = 1000): Promise<JobEvent[]> => {
      const start = after !== undefined && isStreamId(after) ? `(${after}` : '-';
      const entries = await redis.xrange(keys.events(jobId), start, '+', 'COUNT', limit);
      return entries.map((entry) => eventOf(entry, jobId));
    }),
  };
}

const json = (text: string): unknown => (text === '' ? null : JSON.parse(text));
/** Streams hold strings: the fields that are something else. */
const decoders: Record<string, (text: string) => unknown> = {
  attempt: Number,
  bytes: Number,
  count: Number,
  progress: json,
  reason: json,
  rows: Number,
  samples: json,
  step: Number,
  worker: (text) => text || null,
};

/** An entry of the log of a job, or of the log of all jobs, whose entries name their jobs. */
export function eventOf([id, pairs]: [id: string, pairs: string[]], job?: string): JobEvent {
  const time = new Date(Number.parseInt(id, 10)).toISOString();
  const event: Record<string, unknown> = { id, job, time };
  const { furthest, ...fields } = entryFields(pairs);
  for (const [name, text] of Object.entries(fields)) {
    const decode = decoders[name];
    event[name] = decode === undefined ? text : decode(text);
  }
  if (event.type === 'progress') event.progress = furthestOf(fields.progress, furthest);
  return event as JobEvent;
}
