import type { JobLogs, RecordedLine, StreamEvent } from '@distillery/spec';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useEvents } from '../../api/events.ts';
import { useLoad } from '../../api/use-load.ts';
import { ErrorBox, Loading } from '../../components/page-states.tsx';
import { clockTime, exactTime } from '../../format/times.ts';

interface LogLinesProps {
  job: string;
  /** How many of the newest lines are loaded. */
  tail: number;
  stage?: string | undefined;
  /** The least level. */
  level?: string | undefined;
  /** Keeps the newest line in sight. */
  follow?: boolean;
  text?: string | undefined;
}

const levels = ['info', 'warn', 'error'];
/** The most lines that are kept on the page. */
const most = 2000;

/** The newest lines of a job's log, and those that come. */
export function LogLines({ job, tail, stage, level, follow = false, text = '' }: LogLinesProps) {
  const query = new URLSearchParams({ tail: String(tail) });
  if (stage) query.set('stage', stage);
  if (level) query.set('level', level);
  const { data, error, pending, reload } = useLoad<JobLogs>(
    `/v1/jobs/${encodeURIComponent(job)}/logs?${query}`,
  );
  const [newer, setNewer] = useState<RecordedLine[]>([]);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => setNewer([]), [data]);
  useEvents((event: StreamEvent) => {
    if (event.type === 'reset') reload();
    if (event.type !== 'log') return;
    if (stage && event.stage !== stage) return;
    if (level && levels.indexOf(event.level) < levels.indexOf(level)) return;
    setNewer((before) => [...before, event].slice(-most));
  }, job);
  const known = new Set(data?.lines.map(({ id }) => id));
  const all = [...(data?.lines ?? []), ...newer.filter(({ id }) => !known.has(id))].slice(-Math.max(tail, 8));
  const wanted = text.toLowerCase();
  const lines = wanted === '' ? all : all.filter(({ message }) => message.toLowerCase().includes(wanted));
  useEffect(() => {
    if (follow && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [follow, lines.length, lines.at(-1)?.id]);

  if (error && data === undefined)
    return <ErrorBox title="Could not load the log" problem={error} onRetry={reload} />;
  if (pending) return <Loading label="Loading the log" />;
  if (lines.length === 0) {
    return <p class="note">{all.length === 0 ? 'No lines yet.' : 'No line matches.'}</p>;
  }
  return (
    <div ref={box} class="log" role="log" aria-live="off" aria-label="Log" tabIndex={0}>
      {lines.map(({ id, time, stage: from, level: own, message }) => (
        <div key={id} class={own === 'info' ? undefined : own === 'warn' ? 'w' : 'e'}>
          <span class="t" title={exactTime(time)}>
            {clockTime(time)}
          </span>
          {'  '}
          <span class="t">{from}</span>
          {own === 'info' ? '' : `  ${own === 'warn' ? 'warning' : 'error'}`}
          {'  '}
          {message}
        </div>
      ))}
    </div>
  );
}
