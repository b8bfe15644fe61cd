import type { JobSummary } from '@distillery/spec';
import { useLoad } from '../../api/use-load.ts';
import { useEvents } from '../../api/events.ts';
import { Empty, ErrorBox, Loading } from '../../components/page-states.tsx';
import { State } from '../../components/state.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { ago, exactTime } from '../../format/times.ts';
import { useTitle } from '../../use-title.ts';

const columns: readonly Column<JobSummary>[] = [
  { name: 'state', title: 'State', cell: ({ state }) => <State state={state} /> },
  { name: 'name', title: 'Job', cell: ({ id, name }) => <b class="b">{name ?? id}</b>, names: true },
  {
    name: 'created',
    title: 'Submitted',
    number: true,
    cell: ({ createdAt }) => <time title={exactTime(createdAt)}>{ago(createdAt)}</time>,
  },
];

/** All jobs, newest first. */
export default function JobsPage() {
  useTitle('Jobs');
  const { data, error, pending, reload } = useLoad<{ jobs: JobSummary[]; next: string | null }>(
    '/v1/jobs?limit=100',
  );
  useEvents(({ type }) => type === 'job' && reload());
  return (
    <>
      <div class="head">
        <h1>Jobs</h1>
      </div>
      <section class="card">
        {pending && <Loading />}
        {error && <ErrorBox title="Could not load the jobs" problem={error} onRetry={reload} />}
        {data &&
          (data.jobs.length === 0 ? (
            <Empty title="No jobs yet" />
          ) : (
            <Table label="Jobs" columns={columns} rows={data.jobs} rowKey={({ id }) => id} />
          ))}
      </section>
    </>
  );
}
