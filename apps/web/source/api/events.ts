import type { StreamEvent } from '@distillery/spec';
import { useEffect, useRef, useState } from 'preact/hooks';

/**
 * The events of all jobs, over one connection for the whole page, because a browser opens six to one service at most. It
 * resumes after the last event that arrived, so that a cut loses and repeats nothing; a `reset` says that events are missing.
 */

export interface Connection {
  state: 'connecting' | 'live' | 'reconnecting';
  /** When the connection was lost, in milliseconds since 1970; null while it is not. */
  lostAt: number | null;
  /** When the last byte is known to have arrived; null before the first. */
  heardAt: number | null;
  /** When the next try begins; null while one is under way. */
  nextTryAt: number | null;
}

const types = [
  'job',
  'stage',
  'progress',
  'metrics',
  'warning',
  'skipped',
  'log',
  'checkpoint',
  'report',
  'reset',
];
const longestWait = 10_000;
/** A `reset` of a first connection tells nothing that a page which has just loaded does not know. */
type Listener = (event: StreamEvent) => void;

const listeners = new Set<Listener>();
const watchers = new Set<(connection: Connection) => void>();
let connection: Connection = { state: 'connecting', lostAt: null, heardAt: null, nextTryAt: null };
let source: EventSource | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;
let lastId: string | undefined;
let failures = 0;

function set(changes: Partial<Connection>): void {
  connection = { ...connection, ...changes };
  for (const watcher of watchers) watcher(connection);
}

/** Connects, or connects again at once. */
export function connect(): void {
  clearTimeout(timer);
  source?.close();
  set({ nextTryAt: null });
  const opened = new EventSource(`/v1/events${lastId === undefined ? '' : `?after=${lastId}`}`);
  source = opened;
  opened.addEventListener('open', () => {
    failures = 0;
    set({ state: 'live', lostAt: null, heardAt: Date.now(), nextTryAt: null });
  });
  opened.addEventListener('error', () => {
    // The browser would try again by itself, but not after an error of the service, and without saying when.
    opened.close();
    if (source !== opened) return;
    const wait = Math.min(longestWait, 500 * 2 ** failures++);
    timer = setTimeout(connect, wait);
    set({ state: 'reconnecting', lostAt: connection.lostAt ?? Date.now(), nextTryAt: Date.now() + wait });
  });
  for (const type of types) {
    opened.addEventListener(type, (message) => {
      if (message.lastEventId !== '') lastId = message.lastEventId;
      connection.heardAt = Date.now();
      const event = JSON.parse(message.data as string) as StreamEvent;
      for (const listener of listeners) listener(event);
    });
  }
}

/** Ends the connection, for example when the session has ended. */
export function disconnect(): void {
  clearTimeout(timer);
  source?.close();
  source = undefined;
  set({ state: 'connecting', lostAt: null, nextTryAt: null });
}

/** Calls the function for each event while the component is shown; events of one job only, when it is given. */
export function useEvents(listen: Listener, job?: string): void {
  const latest = useRef(listen);
  latest.current = listen;
  useEffect(() => {
    const listener: Listener = (event) => {
      if (job === undefined || event.job === job || event.type === 'reset') latest.current(event);
    };
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, [job]);
}

/** The state of the connection. */
export function useConnection(): Connection {
  const [now, setNow] = useState(connection);
  useEffect(() => {
    watchers.add(setNow);
    setNow(connection);
    return () => void watchers.delete(setNow);
  }, []);
  return now;
}
