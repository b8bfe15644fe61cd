import type { JobView, Report } from '@distillery/spec';
import { useEvents } from '../../api/events.ts';
import { request } from '../../api/request.ts';
import { useLoading } from '../../api/use-load.ts';
import { HighlightScope } from '../../charts/highlight.tsx';
import { Button } from '../../components/button.tsx';
import { Empty, ErrorBox, Loading } from '../../components/page-states.tsx';
import { toast } from '../../components/toast.tsx';
import { useQuery } from '../../router/query.ts';
import { useTitle } from '../../use-title.ts';
import { CompareCurves } from './compare-curves.tsx';
import { type Compared, jobName } from './compared.ts';
import { GainsCard } from './gains-card.tsx';
import { JobSet } from './job-set.tsx';
import { ResultsCard } from './results-card.tsx';
import { SpecsCard } from './specs-card.tsx';
import '../../charts/charts.css';
import '../job/job.css';
import './compare.css';

const listOf = (text: string | null): string[] => [
  ...new Set((text ?? '').split(',').filter((one) => one !== '')),
];

async function load(id: string, place: number, signal: AbortSignal): Promise<Compared> {
  const base = `/v1/jobs/${encodeURIComponent(id)}`;
  const [job, spec] = await Promise.all([
    request<JobView>(base, { signal }),
    request<unknown>(`${base}/spec`, { signal }),
  ]);
  const report = job.state === 'succeeded' ? await request<Report>(`${base}/report`, { signal }) : undefined;
  return { id, network: { role: 'student', place }, job, spec, report };
}

/** Several jobs side by side: `/compare?jobs=a,b&hide=c`. Change the set in place, and hide a job everywhere. */
export default function ComparePage() {
  const [query, change] = useQuery();
  const ids = listOf(query.get('jobs'));
  const hidden = listOf(query.get('hide'));
  useTitle('Compare');
  const { data, error, pending, reload } = useLoading<Compared[]>(
    ids.length === 0 ? null : ids.join(','),
    (signal) => Promise.all(ids.map((id, place) => load(id, place, signal))),
  );
  useEvents((event) => {
    const ended = event.type === 'report' || event.type === 'job';
    if (ended && ids.includes(event.job)) reload();
  });
  const all = data ?? [];
  const shown = all.filter(({ id }) => !hidden.includes(id));
  const names = new Map(all.map((one) => [one.id, jobName(one, all)]));
  const setJobs = (next: readonly string[]) =>
    change({
      jobs: next.join(',') || null,
      hide: hidden.filter((id) => next.includes(id)).join(',') || null,
    });
  const copy = () =>
    void navigator.clipboard?.writeText(location.href).then(() => toast('The link is copied'));

  return (
    <HighlightScope pinned={query.get('job')} onPin={(job) => change({ job })} alongWith={() => []}>
      <div class="head">
        <h1>Compare</h1>
        <div class="bar push">
          {ids.length > 0 && (
            <Button icon="copy" onClick={copy}>
              Copy link
            </Button>
          )}
        </div>
      </div>
      <JobSet
        jobs={all}
        ids={ids}
        names={names}
        hidden={hidden}
        onSet={setJobs}
        onHide={(id) =>
          change({
            hide:
              (hidden.includes(id) ? hidden.filter((one) => one !== id) : [...hidden, id]).join(',') || null,
          })
        }
      />
      {ids.length === 0 && (
        <section class="card">
          <Empty icon="list" title="No jobs to compare yet">
            <p>
              Add jobs above, or select them in the list of jobs. The address holds the set, so that it can be
              shared.
            </p>
          </Empty>
        </section>
      )}
      {error && data === undefined && (
        <section class="card">
          <ErrorBox title="Could not load the jobs" problem={error} onRetry={reload} />
        </section>
      )}
      {pending && <Loading rows={8} label="Loading the jobs" />}
      {shown.length > 0 && (
        <div class="stack">
          <SpecsCard jobs={shown} names={names} />
          <div class="grid compare-charts">
            <GainsCard jobs={shown} names={names} />
            <CompareCurves jobs={shown} names={names} />
          </div>
          <ResultsCard jobs={shown} names={names} hiddenCount={all.length - shown.length} />
        </div>
      )}
    </HighlightScope>
  );
}

/** What each card of the comparison is given. */
export interface CompareProps {
  /** The jobs that are not hidden; the first is the one that others are compared with. */
  jobs: readonly Compared[];
  /** The names of all jobs by id. */
  names: ReadonlyMap<string, string>;
}
