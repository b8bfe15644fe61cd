import type { JobState, Reason, StageProgress, StageState } from '@distillery/spec';
import { blocking, type Client, guarded, translate } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import { entryFields, isStreamId } from '../redis/stream.ts';

/** Something that happened to a job; progress is told about every 5 % of a stage. */
export type JobEvent = { id: string; time: string } & (
  | { type: 'job'; state: JobState }
  | {
      type: 'stage';
      stage: string;
      state: StageState;
      attempt: number;
      worker: string | null;
      reason: Reason | null;
    }
  | { type: 'progress'; stage: string; attempt: number; progress: StageProgress }
  | { type: 'warning'; stage: string; attempt: number; message: string }
);

const blockSeconds = 5;

/** The history of a job. */
export function eventLog(redis: Client, keys: Keys) {
  return {
    /** Events behind `after`, or from the first; at most `limit` (default 1000). */
    read: guarded(async (jobId: string, after?: string, limit: number = 1000): Promise<JobEvent[]> => {
      const start = after !== undefined && isStreamId(after) ? `(${after}` : '-';
      const entries = await redis.xrange(keys.events(jobId), start, '+', 'COUNT', limit);
      return entries.map(eventOf);
    }),

    /**
     * Events behind `after` (or from the first) and then those to come, until `signal` aborts. Holds a connection of
     * its own, since a blocking read would keep every other command waiting.
     */
    async *follow(jobId: string, signal: AbortSignal, after?: string): AsyncGenerator<JobEvent, void> {
      const own = blocking(redis, blockSeconds);
      own.on('error', () => {});
      const stop = () => own.disconnect();
      signal.addEventListener('abort', stop, { once: true });
      let last: string = after !== undefined && isStreamId(after) ? after : '0-0';
      try {
        while (!signal.aborted) {
          const reply = await own.xread(
            'COUNT',
            500,
            'BLOCK',
            blockSeconds * 1000,
            'STREAMS',
            keys.events(jobId),
            last,
          );
          for (const entry of reply?.[0]?.[1] ?? []) {
            yield eventOf(entry);
            last = entry[0];
          }
        }
      } catch (error) {
        if (!signal.aborted) throw translate(error);
      } finally {
        signal.removeEventListener('abort', stop);
        own.disconnect();
      }
    },
  };
}
export type Events = ReturnType<typeof eventLog>;

function eventOf([id, pairs]: [id: string, pairs: string[]]): JobEvent {
  const fields = entryFields(pairs);
  const { attempt, worker, reason, progress, ...rest } = fields;
  return {
    id,
    time: new Date(Number.parseInt(id, 10)).toISOString(),
    ...rest,
    ...(attempt === undefined ? {} : { attempt: Number(attempt) }),
    ...(progress === undefined ? {} : { progress: JSON.parse(progress) }),
    ...(rest.type === 'stage' ? { worker: worker || null, reason: reason ? JSON.parse(reason) : null } : {}),
  } as JobEvent;
}
