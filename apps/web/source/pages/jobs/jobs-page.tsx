import type { JobState, JobSummary, JobView } from '@distillery/spec';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useEvents } from '../../api/events.ts';
import { useLoad, useLoading } from '../../api/use-load.ts';
import { request } from '../../api/request.ts';
import { Button, ButtonLink } from '../../components/button.tsx';
import { gainScale } from '../../components/gain.tsx';
import { Empty, ErrorBox, Loading } from '../../components/page-states.tsx';
import { sorted, sortOf, sortText } from '../../components/sort.ts';
import { Table } from '../../components/table.tsx';
import { counted, number } from '../../format/numbers.ts';
import { matchPage } from '../../router/match.ts';
import { useQuery } from '../../router/query.ts';
import { useRights } from '../../session/session.ts';
import { useTitle } from '../../use-title.ts';
import { throttle } from '../../view/throttle.ts';
import { useNow } from '../../view/use-now.ts';
import { usePhone } from '../../view/use-phone.ts';
import { useSettled } from '../../view/use-settled.ts';
import { BulkActions } from './bulk-actions.tsx';
import { type ColumnContext, jobColumns } from './columns.tsx';
import { Filters } from './filters.tsx';
import { JobEntries } from './job-entries.tsx';
import { filterOf, isFiltered } from './job-filter.ts';
import './jobs.css';
import { useJobs } from './use-jobs.ts';
import { useRowKeys } from './use-row-keys.ts';

const newest = { by: 'started', descending: true };

/** All jobs: live, searched, filtered, sorted, and acted on together. */
export default function JobsPage() {
  useTitle('Jobs');
  const [query, change] = useQuery();
  const filter = filterOf(query);
  const sort = sortOf(query.get('sort'), newest);
  const search = useSettled(filter.search, 200);
  const { jobs, more, pending, error, loadMore, reload } = useJobs({ ...filter, search });
  const counts = useCounts();
  const etas = useEtas(jobs);
  const now = useNow();
  const phone = usePhone();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const selected = jobs.filter(({ id }) => chosen.has(id));
  const select = (id: string, on: boolean) => {
    const next = new Set(selected.map((job) => job.id));
    if (on) next.add(id);
    else next.delete(id);
    setChosen(next);
  };
  const clear = () => setChosen(new Set());
  useRowKeys((path) => {
    const id = path.slice(path.lastIndexOf('/') + 1);
    select(id, !chosen.has(id));
  });
  const context: ColumnContext = {
    selected: chosen,
    onSelect: ({ id }, on) => select(id, on),
    onLabel: (label) => change({ label: [...new Set([...filter.labels, label])] }),
    etas,
    scale: gainScale(jobs.flatMap(({ best }) => best?.overControl ?? [])),
    now,
  };
  const columns = jobColumns(context);
  return (
    <>
      <div class="head">
        <h1>Jobs</h1>
      </div>
      <Filters filter={filter} counts={counts} jobs={jobs} onChange={change} />
      <section class="card" aria-busy={pending}>
        {selected.length > 0 && (
          <BulkActions
            selected={selected}
            all={selected.length === jobs.length}
            onAll={() => setChosen(new Set(jobs.map(({ id }) => id)))}
            onClear={clear}
            onDone={() => {
              clear();
              reload();
            }}
          />
        )}
        {error && <ErrorBox title="Could not load the jobs" problem={error} onRetry={reload} />}
        {pending ? (
          <Loading rows={8} />
        ) : jobs.length === 0 ? (
          !error && (isFiltered(filter) ? <NothingMatches onClear={() => change(cleared)} /> : <NoJobs />)
        ) : (
          <>
            {phone ? (
              <JobEntries jobs={sorted(jobs, columns, sort)} context={context} />
            ) : (
              <Table
                label="Jobs"
                columns={columns}
                rows={jobs}
                rowKey={({ id }) => id}
                rowClass={({ id }) => (chosen.has(id) ? 'on' : undefined)}
                sort={sort}
                onSort={(to) => change({ sort: sortText(to) === sortText(newest) ? null : sortText(to) })}
              />
            )}
            <footer class="foot">
              <span class="small muted">
                {more ? `The newest ${number(jobs.length)} jobs` : counted(jobs.length, 'job')}
              </span>
              {more && (
                <Button small class="push" onClick={loadMore}>
                  Load more
                </Button>
              )}
            </footer>
          </>
        )}
      </section>
    </>
  );
}

const cleared = { q: null, state: null, label: null, owner: null };

function NothingMatches({ onClear }: { onClear: () => void }) {
  return (
    <Empty icon="search" title="Nothing matches">
      <p>No job has all of these properties.</p>
      <Button onClick={onClear}>Clear filters</Button>
    </Empty>
  );
}

function NoJobs() {
  const { may } = useRights();
  const mayStart = may('submit') && matchPage('/new') !== undefined;
  return (
    <Empty title="No jobs yet">
      {mayStart ? (
        <>
          <p>
            Start from an example: a teacher and its students on generated images take a few minutes here.
          </p>
          <div class="bar">
            <ButtonLink kind="primary" href="/new?example=first-steps">
              Start from an example
            </ButtonLink>
            <ButtonLink href="/new">Write a spec</ButtonLink>
          </div>
        </>
      ) : (
        <p>Jobs that are submitted to this service appear here.</p>
      )}
      <p class="small muted">
        or <code>distill run spec.json</code>
      </p>
    </Empty>
  );
}

/** How many jobs there are in each state. */
function useCounts(): Partial<Record<JobState, number>> | undefined {
  const { data, reload } = useLoad<{ queue: { jobs: Partial<Record<JobState, number>> } }>('/v1/workers');
  const reloading = useRef(throttle(reload, 3000));
  useEffect(() => () => reloading.current.cancel(), []);
  useEvents(({ type }) => (type === 'job' || type === 'reset') && reloading.current.call());
  return data?.queue.jobs;
}

/** The estimates of a few running jobs, renewed every five seconds; summaries have none. */
function useEtas(jobs: readonly JobSummary[]): ReadonlyMap<string, number | null> {
  const running = jobs.filter(({ state }) => state === 'running').slice(0, 5);
  const tick = Math.floor(useNow(5000) / 5000);
  const key = running.length === 0 ? null : `${running.map(({ id }) => id).join()} ${tick}`;
  const shown = useRef(new Map<string, number | null>());
  const { data } = useLoading(key, async (signal) => {
    const views = await Promise.all(
      running.map(({ id }) => request<JobView>(`/v1/jobs/${id}`, { signal }).catch(() => undefined)),
    );
    return new Map(views.flatMap((view) => (view ? [[view.id, view.etaSeconds] as const] : [])));
  });
  if (data !== undefined) shown.current = data;
  return shown.current;
}
