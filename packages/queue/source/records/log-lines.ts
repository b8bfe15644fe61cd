import { type JobEvent, type JobLogs, logLevels, type RecordedLine } from '@distillery/spec';
import { type Client, guarded } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import { isStreamId } from '../redis/stream.ts';
import { eventOf } from './events.ts';

/** Which lines of a log are wanted. */
export interface LogFilter {
  stage?: string | undefined;
  /** The least serious level that is wanted; default all. */
  level?: (typeof logLevels)[number] | undefined;
}

export interface LogQuery extends LogFilter {
  /** The most lines: the newest ones, or with `after` the next ones. */
  limit: number;
  /** `after` of an earlier page, or the id of an event. */
  after?: string | undefined;
}

/** Whether an event is a line that is wanted. */
export function isWantedLine(
  event: JobEvent,
  { stage, level }: LogFilter,
): event is Extract<JobEvent, { type: 'log' }> {
  if (event.type !== 'log' || (stage !== undefined && event.stage !== stage)) return false;
  return level === undefined || logLevels.indexOf(event.level) >= logLevels.indexOf(level);
}

type Entry = [id: string, pairs: string[]];

/** How many events are read at once; the log of a job is bounded, so that even a page without a line is soon there. */
const chunk = 2000;

/** Reads the lines that trainers and supervisors have logged: they are events of the job. */
export function logReader(redis: Client, keys: Keys) {
  return guarded(async (job: string, { limit, after, ...filter }: LogQuery): Promise<JobLogs> => {
    const linesOf = (entries: Entry[]): RecordedLine[] =>
      entries.flatMap((entry) => {
        const event = eventOf(entry, job);
        if (!isWantedLine(event, filter)) return [];
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
