import type { StageView } from '@distillery/spec';
import { State } from '../../components/state.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { sortOf, sortText } from '../../components/sort.ts';
import { nothing, number } from '../../format/numbers.ts';
import { ago, clockTime, duration, exactTime, secondsBetween } from '../../format/times.ts';
import { useQuery } from '../../router/query.ts';
import { Flow } from './flow.tsx';
import type { TabProps } from './job-tabs.ts';
import { StageGraph } from './stage-graph.tsx';

const waits: Record<string, string> = {
  stages: 'other stages',
  turn: 'its turn',
  worker: 'a worker to start',
  capability: 'a worker that can do it',
};

/** The stages of a job: which needs which, when each ran, and where. */
export default function StagesTab({ job, report }: TabProps) {
  const [query, change] = useQuery();
  const sort = sortOf(query.get('sort'), { by: '', descending: false });
  return (
    <div class="stack">
      <Flow job={job} report={report} />
      <StageGraph job={job} />
      <section class="card">
        <header>
          <h2>All stages</h2>
          <span class="small muted">{job.stages.length}</span>
        </header>
        <Table
          label="All stages"
          sticky
          columns={columns(job.id)}
          rows={job.stages}
          rowKey={({ id }) => id}
          sort={sort}
          onSort={(next) => change({ sort: sortText(next) })}
          rowHeight={51}
        />
      </section>
    </div>
  );
}

const columns = (job: string): Column<StageView>[] => [
  {
    name: 'id',
    title: 'Stage',
    names: true,
    sort: ({ id }) => id,
    cell: ({ id }) => <code>{id}</code>,
  },
  {
    name: 'state',
    title: 'State',
    sort: ({ state }) => state,
    cell: (stage) => (
      <>
        <State state={stage.state} />
        <div class="small muted">{detail(stage)}</div>
      </>
    ),
  },
  { name: 'worker', title: 'Worker', sort: ({ worker }) => worker, cell: ({ worker }) => worker ?? nothing },
  {
    name: 'attempt',
    title: 'Attempts',
    number: true,
    sort: ({ attempt }) => attempt,
    cell: ({ attempt }) => (attempt === 0 ? nothing : number(attempt)),
  },
  {
    name: 'started',
    title: 'Started',
    number: true,
    sort: ({ startedAt }) => startedAt,
    cell: ({ startedAt }) => (
      <span title={exactTime(startedAt)}>{startedAt === null ? nothing : clockTime(startedAt)}</span>
    ),
  },
  {
    name: 'took',
    title: 'Took',
    number: true,
    sort: ({ startedAt, finishedAt }) => secondsBetween(startedAt, finishedAt),
    cell: ({ startedAt, finishedAt }) => duration(secondsBetween(startedAt, finishedAt)),
  },
  {
    name: 'log',
    title: <span class="skip">Log</span>,
    cell: ({ id, attempt }) =>
      attempt === 0 ? null : (
        <a class="link" href={`/jobs/${job}/logs?stage=${encodeURIComponent(id)}`}>
          Log
        </a>
      ),
  },
];

function detail({ state, progress, reason, waitingFor, missing, finishedAt }: StageView): string {
  if (reason !== null && (state === 'failed' || state === 'queued')) return reason.message;
  if (state === 'running' && progress !== null) {
    const speed =
      progress.samplesPerSecond === null ? '' : `, ${number(progress.samplesPerSecond)} samples/s`;
    return progress.epochs > 0
      ? `${progress.phase}, step ${number(progress.step)} of ${number(progress.steps)}${speed}`
      : `${progress.phase}, ${number(progress.fraction * 100)} %`;
  }
  if (missing.length > 0) return `waits for a worker with ${missing.join(', ')}`;
  if (waitingFor !== null) return `waits for ${waits[waitingFor] ?? waitingFor}`;
  return finishedAt === null ? '' : ago(finishedAt);
}
