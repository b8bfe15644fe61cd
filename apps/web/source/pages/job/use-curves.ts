import type { Curve, Curves } from '@distillery/spec';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useEvents } from '../../api/events.ts';
import type { Problem } from '../../api/problem.ts';
import { request } from '../../api/request.ts';
import { useLoad } from '../../api/use-load.ts';
import { withNewer } from '../../charts/curves.ts';
import { useThrottled } from './use-throttled.ts';

/** The most points of a line: more cannot be seen on a screen. */
const points = 1500;
/** How often newer points are read at most, in milliseconds. */
const pace = 1500;

interface LiveCurves {
  curves: readonly Curve[] | undefined;
  error: Problem | undefined;
  reload: () => void;
}

/** Loads the curves of a job, and the newer points of it while it trains. */
export function useCurves(id: string): LiveCurves {
  const path = `/v1/jobs/${encodeURIComponent(id)}/curves?points=${points}`;
  const { data, error, reload } = useLoad<Curves>(`${path}&partial=true`);
  const [newest, setNewest] = useState<Curves>();
  const busy = useRef(false);
  useEffect(() => {
    setNewest(data);
    // The first reading of very many rows comes in parts, each of which goes on where the one before has come.
    if (data?.complete === false) reload();
  }, [data, reload]);
  const readOn = useThrottled(() => {
    if (newest?.complete !== true || busy.current) return;
    busy.current = true;
    const after = newest.after === null ? '' : `&after=${encodeURIComponent(newest.after)}`;
    request<Curves>(path + after)
      .then((more) =>
        setNewest((now) =>
          now === newest
            ? { curves: withNewer(now.curves, more.curves), after: more.after ?? now.after, complete: true }
            : now,
        ),
      )
      // The next event asks again; what is shown stays.
      .catch(() => {})
      .finally(() => {
        busy.current = false;
      });
  }, pace);
  useEvents((event) => {
    if (event.type === 'metrics') readOn();
    if (event.type === 'reset') reload();
  }, id);
  return { curves: newest?.curves, error, reload };
}
