import { type JobLogs, logLevels, type RecordedLine } from '@distillery/spec';
import { type Client, guarded } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import { isStreamId } from '../redis/stream.ts';
import { eventOf } from './events.ts';

export interface LogQuery {
  stage?: string | undefined;
  /** The least serious level that is wanted; default all. */
  level?: (typeof logLevels)[number] | undefined;
  /** The most lines: the newest ones, or with `after` the next ones. */
  limit: number;
  /** `after` of an earlier page, or the id of an event. */
  after?: string | undefined;
}

type Entry = [id: string, pairs: string[]];

/** How many events are read at once; the log of a job is bounded, so that even a page without a line is soon there. */
const chunk = 2000;

/** Reads the lines that trainers and supervisors have logged: they are events of the job. */
export function logReader(redis: Client, keys: Keys) {
  return guarded(async (job: string, { stage, level, limit, after }: LogQuery): Promise<JobLogs> => {
    const least = level === undefined ? 0 : logLevels.indexOf(level);
    const linesOf = (entries: Entry[]): RecordedLine[] =>
      entries.flatMap((entry) => {
        const event = eventOf(entry, job);
        if (event.type !== 'log' || logLevels.indexOf(event.level) < least) return [];
        if (stage !== undefined && event.stage !== stage) return [];
        const { type: _, job: __, ...line } = event;
        return [line];
      });
    return after !== undefined && isStreamId(after) ? next(after) : newest();

    async function next(position: string): Promise<JobLogs> {
      const lines: RecordedLine[] = [];
      for (let at = position; ; ) {
        const entries = await redis.xrange(keys.events(job), `(${at}`, '+', 'COUNT', chunk);
        lines.push(...linesOf(entries));
        if (lines.length > limit) {
          const page = lines.slice(0, limit);
          return { lines: page, after: page[limit - 1].id, more: true };
        }
        at = entries.at(-1)?.[0] ?? at;
        if (entries.length < chunk) return { lines, after: at, more: false };
      }
    }

    async function newest(): Promise<JobLogs> {
      const lines: RecordedLine[] = [];
      let last: string | null = null;
      for (let end = '+'; ; ) {
        const entries = await redis.xrevrange(keys.events(job), end, '-', 'COUNT', chunk);
        last ??= entries[0]?.[0] ?? null;
        lines.push(...linesOf(entries));
        if (lines.length >= limit || entries.length < chunk) {
          return { lines: lines.slice(0, limit).reverse(), after: last, more: false };
        }
        end = `(${entries[entries.length - 1][0]}`;
      }
    }
  });
}
