import type { JobState } from '@distillery/spec';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useEvents } from '../../api/events.ts';
import { Problem, unreachable } from '../../api/problem.ts';
import { throttle } from '../../view/throttle.ts';
import { type JobFilter, loadPage } from './job-filter.ts';
import { emptyList, type JobList, positionBefore, withPage } from './job-list.ts';

const pageSize = 100;
/** More changed jobs than this are loaded in pages. */
const fewJobs = 5;
const refreshMs = 1500;

export interface Jobs extends JobList {
  /** Whether nothing has been loaded yet. */
  pending: boolean;
  error: Problem | undefined;
  loadMore: () => void;
  reload: () => void;
}

/** The jobs that match a filter. Events tell which of them have changed; these are loaded again, at most every 1.5 s. */
export function useJobs(filter: JobFilter): Jobs {
  const key = JSON.stringify(filter);
  const [view, setView] = useState<{ key: string; list: JobList; error?: Problem }>();
  const current = useRef<JobList>(emptyList);
  const changed = useRef(new Set<string>());
  const stop = useRef(new AbortController());
  const latest = useRef(filter);
  latest.current = filter;

  const load = async (after: string | null, limit = pageSize) => {
    const { signal } = stop.current;
    const page = await loadPage(latest.current, after, limit, signal);
    if (!signal.aborted) current.current = withPage(current.current, after, page);
  };
  /** Runs loads, and shows the list that they lead to, or the first error. */
  const show = async (work: () => Promise<void>) => {
    const { signal } = stop.current;
    let error: Problem | undefined;
    try {
      await work();
    } catch (thrown) {
      if (!(thrown instanceof Problem) && !signal.aborted) console.error(thrown);
      error = thrown instanceof Problem ? thrown : unreachable();
    }
    if (!signal.aborted) setView({ key, list: current.current, ...(error && { error }) });
  };
  const reload = async () => {
    const end = current.current.jobs.at(-1)?.id;
    await load(null);
    // Pages below the first, as far down as the list reached before.
    for (;;) {
      const { jobs, more } = current.current;
      const last = jobs.at(-1)?.id;
      if (!more || end === undefined || last === undefined || last <= end) return;
      await load(last);
    }
  };
  const refresh = async () => {
    const ids = [...changed.current];
    changed.current.clear();
    const positions = ids.map((id) => positionBefore(current.current, id));
    if (ids.length > fewJobs || positions.includes(undefined)) return reload();
    for (const id of ids) {
      const after = positionBefore(current.current, id);
      if (after !== undefined) await load(after, 1);
    }
  };
  const showRefreshed = useRef(() => {});
  showRefreshed.current = () => void show(refresh);
  const refreshing = useRef(throttle(() => showRefreshed.current(), refreshMs));

  useEffect(() => {
    stop.current = new AbortController();
    current.current = emptyList;
    changed.current.clear();
    void show(() => load(null));
    return () => stop.current.abort();
  }, [key]);
  useEffect(() => () => refreshing.current.cancel(), []);

  useEvents((event) => {
    if (event.type === 'reset') return void show(reload);
    if (!['job', 'stage', 'progress', 'report', 'warning'].includes(event.type)) return;
    changed.current.add(event.job);
    // The state is known at once; the rest of the row follows.
    if (event.type === 'job') apply(event.job, event.state);
    refreshing.current.call();
  });

  function apply(id: string, state: JobState): void {
    const { jobs } = current.current;
    if (!jobs.some((job) => job.id === id)) return;
    current.current = {
      ...current.current,
      jobs: jobs.map((job) => (job.id === id ? { ...job, state } : job)),
    };
    setView({ key, list: current.current });
  }

  const own = view?.key === key ? view : undefined;
  return {
    ...(own?.list ?? emptyList),
    pending: own === undefined,
    error: own?.error,
    loadMore: () => void show(() => load(current.current.jobs.at(-1)?.id ?? null)),
    reload: () => void show(reload),
  };
}
