import { setTimeout as delay } from 'node:timers/promises';
import { DistilleryError, isTerminal, type JobEvent, type JobState } from '@distillery/spec';
import { type Client, guarded, patient, settled } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import { run, script } from '../redis/script.ts';
import { isLaterId } from '../redis/stream.ts';
import { eventOf } from './events.ts';
import { isJobId } from './job-id.ts';

/** What a follower gets: the next events in order, or that events before the next ones are gone. */
export type Followed =
  | { events: JobEvent[] }
  /** `latest` is the newest event by now; null when there is none. */
  | { gone: { latest: string | null } };

export interface Following {
  /** Whether the job has ended and all of its events come up to where the follower is: nothing follows. */
  ended: boolean;
  /** The parts of the log as they are asked for. Ends with the last event of a job that has ended, and when `signal` aborts. */
  parts: AsyncGenerator<Followed, void, void>;
}

/** How many events are read at once. */
const pageSize = 500;
/** A follower for whom more events wait reads the log instead, so that a slow one needs no memory. */
const mostPending = 1000;
/** For how long Redis holds the read back when there is nothing to read: less than the timeouts of the connection. */
const blockMs = 1000;
/** Between two reads, so that one reading has what is written in quick succession. */
const pauseMs = 50;
const retryMs = 250;

/**
 * A page of a log behind an event, and whether all before it is there.
 *
 * KEYS: log, record of the job. ARGV: the id of the event, most events. Returns the state of the job, the first event of its
 * life, the first and the last that the log has, and the events; '' for what is not there.
 */
const pageScript = script(`
local record = redis.call('HMGET', KEYS[2], 'state', 'firstEvent')
local function edge(command, from, to)
  local found = redis.call(command, KEYS[1], from, to, 'COUNT', 1)[1]
  return found and found[1] or ''
end
return {record[1] or '', record[2] or '', edge('XRANGE', '-', '+'), edge('XREVRANGE', '+', '-'),
  redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])}
`);
type Entry = [id: string, pairs: string[]];
type Page = [state: string, born: string, first: string, last: string, entries: Entry[]];

/** Before every event. */
const beginning = '0-0';

interface Follower {
  /** Undefined: all jobs. */
  job: string | undefined;
  /** What was read since the follower took its last part. */
  pending: JobEvent[];
  /** Whether `pending` is not all that came, so that the follower has to read the log. */
  behind: boolean;
  wake(): void;
}

/**
 * Follows event logs. One connection reads the log of all jobs for every follower of this process; followers read what was
 * written before, or while that connection was away, from the logs themselves.
 *
 * @param open opens that connection, when the first follower comes
 */
export function eventFollowers(redis: Client, keys: Keys, open: () => Client, onError: (e: Error) => void) {
  const followers = new Map<string | undefined, Set<Follower>>();
  const closing = new AbortController();
  let reader: Client | undefined;
  let reading: Promise<void> | undefined;

  const everyone = () => [...followers.values()].flatMap((some) => [...some]);

  function fallBehind(follower: Follower): void {
    follower.behind = true;
    follower.pending = [];
    follower.wake();
  }

  function pass(entries: Entry[]): void {
    for (const entry of entries) {
      const event = eventOf(entry);
      for (const follower of [...(followers.get(event.job) ?? []), ...(followers.get(undefined) ?? [])]) {
        if (follower.pending.length >= mostPending) fallBehind(follower);
        else if (!follower.behind) follower.pending.push(event);
        follower.wake();
      }
    }
  }

  /** Reads for as long as there are followers. */
  async function read(connection: Client): Promise<void> {
    while (followers.size > 0 && !closing.signal.aborted) {
      try {
        await settled(connection, 2000);
        const [newest] = await connection.xrevrange(keys.allEvents, '+', '-', 'COUNT', 1);
        let last = newest?.[0] ?? beginning;
        for (const follower of everyone()) fallBehind(follower);
        while (followers.size > 0) {
          const found = await connection.xread(
            'COUNT',
            pageSize,
            'BLOCK',
            blockMs,
            'STREAMS',
            keys.allEvents,
            last,
          );
          const entries = (found?.[0]?.[1] ?? []) as Entry[];
          last = entries.at(-1)?.[0] ?? last;
          pass(entries);
          await delay(pauseMs, undefined, { signal: closing.signal });
        }
      } catch (error) {
        if (closing.signal.aborted) return;
        onError(error as Error);
        await delay(retryMs, undefined, { signal: closing.signal }).catch(() => {});
      }
    }
  }

  function join(follower: Follower): void {
    followers.set(follower.job, (followers.get(follower.job) ?? new Set()).add(follower));
    reader ??= open();
    reading ??= read(reader).finally(() => {
      reading = undefined;
    });
  }

  function leave(follower: Follower): void {
    const others = followers.get(follower.job);
    others?.delete(follower);
    if (others?.size === 0) followers.delete(follower.job);
  }

  async function pageOf(job: string | undefined, after: string) {
    const log = job === undefined ? keys.allEvents : keys.events(job);
    const reply = await run(redis, pageScript, [log, keys.job(job ?? '')], [after, pageSize]);
    const [state, born, first, last, entries] = reply as Page;
    return {
      exists: state !== '',
      latest: last || null,
      events: entries.map((entry) => eventOf(entry, job)),
      /** Whether events behind `after` are no longer in the log: removed ones, or a log that Redis has lost. */
      gone: (isLaterId(first, after) && first !== born) || isLaterId(after, last || beginning),
      ended: isTerminal(state as JobState) && !isLaterId(last, entries.at(-1)?.[0] ?? after),
    };
  }

  async function* partsOf(
    job: string | undefined,
    after: string | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<Followed, void, void> {
    const patiently = patient(AbortSignal.any([signal, closing.signal]), onError)(pageOf);
    const over = () => signal.aborted || closing.signal.aborted;
    let awake = () => {};
    const wake = () => awake();
    const follower: Follower = { job, pending: [], behind: true, wake };
    let at = after ?? beginning;
    // Whether the follower has to be told of a gap, and whether it was and has no event since.
    let unknown = job === undefined && after === undefined;
    let told = false;
    signal.addEventListener('abort', wake);
    join(follower);
    try {
      while (!over()) {
        if (follower.behind) {
          follower.behind = false;
          for (let more = true; more; ) {
            const { exists, gone, latest, events, ended } = await patiently(job, at);
            if (job !== undefined && !exists) return;
            more = events.length === pageSize;
            if ((gone || unknown) && !told) {
              [unknown, told, more] = [false, true, true];
              at = job === undefined ? (latest ?? beginning) : beginning;
              yield { gone: { latest } };
            } else if (events.length > 0) {
              told = false;
              at = events[events.length - 1].id;
              yield { events };
            }
            if (over() || (!more && job !== undefined && ended)) return;
          }
        }
        const events = follower.pending.filter(({ id }) => isLaterId(id, at));
        follower.pending = [];
        const newest = events.at(-1);
        if (newest !== undefined) {
          told = false;
          at = newest.id;
          yield { events };
          const last = job !== undefined && newest.type === 'job' && isTerminal(newest.state);
          if (last && follower.pending.length === 0 && !follower.behind) return;
        }
        if (follower.pending.length === 0 && !follower.behind && !over()) {
          await new Promise<void>((resolve) => {
            awake = resolve;
          });
        }
      }
    } catch (error) {
      if (!over()) throw error;
    } finally {
      leave(follower);
      signal.removeEventListener('abort', wake);
    }
  }

  return {
    /**
     * Follows the log of a job behind the event `after`, or from its beginning: what is there, then what comes, without a gap
     * and without repeating an event. Interruptions of Redis are waited for.
     *
     * @param after the id of an event, which need not be there any more
     * @throws DistilleryError `job_not_found`, `redis_unavailable`
     */
    follow: guarded(
      async (job: string, after: string | undefined, signal: AbortSignal): Promise<Following> => {
        const { exists, ended, events, gone } = isJobId(job)
          ? await pageOf(job, after ?? beginning)
          : { exists: false, ended: false, events: [], gone: false };
        if (!exists) throw new DistilleryError('job_not_found', `there is no job ${job}`);
        return {
          ended: ended && events.length === 0 && !gone,
          parts: partsOf(job, after, signal),
        };
      },
    ),

    /**
     * Follows the events of all jobs behind the event `after`. Without it the first part is `gone`, and what comes from now on
     * follows.
     *
     * @throws DistilleryError `redis_unavailable`
     */
    followAll: guarded(
      async (after: string | undefined, signal: AbortSignal): Promise<Following['parts']> => {
        await pageOf(undefined, after ?? beginning);
        return partsOf(undefined, after, signal);
      },
    ),

    async close(): Promise<void> {
      closing.abort();
      for (const follower of everyone()) follower.wake();
      reader?.disconnect();
      await reading;
    },
  };
}
