import type { JobView, StreamEvent } from '@distillery/spec';
import { useEffect, useState } from 'preact/hooks';
import { useEvents } from '../../api/events.ts';
import { type Loaded, useLoad } from '../../api/use-load.ts';
import { useThrottled } from './use-throttled.ts';
import { withEvent } from './with-event.ts';

/** How often a job is read again at most while events arrive, in milliseconds. */
const pace = 1000;

/** Loads a job and keeps it up to date: what events tell is shown at once, and the rest is read again, at most every second. */
export function useJob(id: string): Loaded<JobView> {
  const loaded = useLoad<JobView>(`/v1/jobs/${encodeURIComponent(id)}`);
  const [told, setTold] = useState<StreamEvent[]>([]);
  const reload = useThrottled(loaded.reload, pace);
  useEffect(() => setTold([]), [loaded.data]);
  useEvents((event) => {
    if (event.type === 'log' || event.type === 'metrics') return;
    setTold((before) => [...before, event]);
    reload();
  }, id);
  const { data } = loaded;
  return { ...loaded, data: data === undefined ? undefined : told.reduce(withEvent, data) };
}
