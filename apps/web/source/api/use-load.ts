import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { Problem, unreachable } from './problem.ts';
import { request } from './request.ts';

export interface Loaded<T> {
  /** The newest answer. It stays while it is loaded again, and when that fails. */
  data: T | undefined;
  /** Why the latest request failed; undefined when it did not. */
  error: Problem | undefined;
  /** Whether there is no answer yet, and none has failed. */
  pending: boolean;
  reload(): void;
}

/** Loads JSON from the API, again when the path changes or `reload` is called; a null path loads nothing. */
export function useLoad<T>(path: string | null): Loaded<T> {
  return useLoading<T>(path, (signal) => request<T>(path as string, { signal }));
}

/** As `useLoad`, with a function that loads. It is called again when the key changes; a null key loads nothing. */
export function useLoading<T>(key: string | null, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [answer, setAnswer] = useState<{ key: string; data?: T; error?: Problem }>();
  const [round, setRound] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    if (key === null) return;
    const stop = new AbortController();
    latest.current(stop.signal).then(
      (data) => !stop.signal.aborted && setAnswer({ key, data }),
      (thrown: unknown) => {
        if (stop.signal.aborted) return;
        const error = thrown instanceof Problem ? thrown : unreachable();
        if (!(thrown instanceof Problem)) console.error(thrown);
        setAnswer((before) => (before?.key === key ? { ...before, error } : { key, error }));
      },
    );
    return () => stop.abort();
  }, [key, round]);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  const current = answer?.key === key ? answer : undefined;
  return {
    data: current?.data,
    error: current?.error,
    pending: key !== null && current === undefined,
    reload,
  };
}
