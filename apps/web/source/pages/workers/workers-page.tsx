import { Facts } from '../../components/facts.tsx';
import type { JobState, RunningStage, WorkersView, WorkerView } from '@distillery/spec';
import { useEffect, useRef } from 'preact/hooks';
import { useEvents } from '../../api/events.ts';
import { useLoad } from '../../api/use-load.ts';
import { Empty, ErrorBox, Loading } from '../../components/page-states.tsx';
import { stateWord } from '../../components/state.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { bytes, counted, number } from '../../format/numbers.ts';
import { ago, duration, exactTime, secondsBetween } from '../../format/times.ts';
import { useTitle } from '../../use-title.ts';
import { throttle } from '../../view/throttle.ts';
import { useNow } from '../../view/use-now.ts';

import './workers.css';

const listed: readonly JobState[] = ['queued', 'running', 'pausing', 'paused', 'cancelling'];

/** The workers that are alive, what each of them does, and what waits for them. */
export default function WorkersPage() {
  useTitle('Workers');
  const { data, error, pending, reload } = useLoad<WorkersView>('/v1/workers');
  const now = useNow(5000);
  const reloading = useRef(throttle(reload, 1500));
  useEffect(() => () => reloading.current.cancel(), []);
  // A worker that has gone silent sends no event.
  useEffect(() => reloading.current.call(), [now]);
  useEvents(({ type }) => ['stage', 'progress', 'job', 'reset'].includes(type) && reloading.current.call());
  return (
    <>
      <div class="head">
        <h1>Workers</h1>
      </div>
      {pending && (
        <section class="card">
          <Loading />
        </section>
      )}
      {error && (
        <section class="card">
          <ErrorBox title="Could not load the workers" problem={error} onRetry={reload} />
        </section>
      )}
      {data && (
        <div class="stack">
          <Queue answer={data} />
          <section class="card">
            {data.workers.length === 0 ? (
              <Empty icon="warning" title="No worker is running">
                <p>
                  {data.queue.ready === 0
                    ? 'Jobs that are submitted now would wait.'
                    : `${counted(data.queue.ready, 'stage')} wait.`}{' '}
                  <code>npm run start:worker</code> starts a worker beside this service.
                </p>
              </Empty>
            ) : (
              <Table
                label="Workers"
                columns={columns(now)}
                rows={data.workers}
                rowKey={({ id }) => id}
                sticky
              />
            )}
          </section>
        </div>
      )}
    </>
  );
}

function Queue({ answer: { workers, queue } }: { answer: WorkersView }) {
  const trainers = workers.reduce((sum, worker) => sum + worker.trainers, 0);
  const facts = [
    ['Stages running', `${number(queue.running)} of ${counted(trainers, 'trainer')}`],
    ['Stages waiting for a trainer', number(queue.ready)],
    ...listed
      .filter((state) => (queue.jobs[state] ?? 0) > 0)
      .map((state) => [`Jobs ${stateWord(state).toLowerCase()}`, number(queue.jobs[state])]),
  ];
  return <Facts class="facts queue" facts={facts} />;
}

function columns(now: number): Column<WorkerView>[] {
  return [
    {
      name: 'worker',
      title: 'Worker',
      names: true,
      cell: ({ id, host }) => (
        <>
          <b>{host}</b>
          <div class="small muted mono">{id}</div>
        </>
      ),
    },
    {
      name: 'work',
      title: 'Works on',
      cell: ({ stages }) =>
        stages.length === 0 ? (
          <span class="muted">Idle</span>
        ) : (
          <ul class="work">
            {stages.map((stage) => (
              <Work key={`${stage.job} ${stage.stage}`} stage={stage} now={now} />
            ))}
          </ul>
        ),
    },
    {
      name: 'engine',
      title: 'Engine',
      cell: ({ engine }) => (
        <>
          {engine.backend}
          <div class="small muted">
            {engine.hardware}, {counted(engine.threads, 'thread')}
          </div>
        </>
      ),
    },
    {
      name: 'speed',
      title: 'GFLOP/s',
      number: true,
      cell: ({ engine }) => number(engine.gigaflops),
    },
    { name: 'memory', title: 'Memory', number: true, cell: ({ memoryBytes }) => bytes(memoryBytes) },
    { name: 'trainers', title: 'Trainers', number: true, cell: ({ trainers }) => number(trainers) },
    {
      name: 'started',
      title: 'Started',
      number: true,
      class: 'two',
      cell: ({ startedAt }) => <time title={exactTime(startedAt)}>{ago(startedAt, now)}</time>,
    },
    {
      name: 'seen',
      title: 'Heard of',
      number: true,
      class: 'two',
      cell: ({ seenAt }) => <time title={exactTime(seenAt)}>{ago(seenAt, now)}</time>,
    },
  ];
}

function Work({
  stage: { job, jobName, stage, attempt, startedAt, progress },
  now,
}: {
  stage: RunningStage;
  now: number;
}) {
  const percent = Math.round((progress?.fraction ?? 0) * 100);
  return (
    <li class="running">
      <div>
        <a class="b" href={`/jobs/${job}`}>
          {jobName ?? job}
        </a>{' '}
        <span class="two">{stage}</span>
        {attempt > 1 && <span class="muted"> attempt {attempt}</span>}
      </div>
      <div class="pb">
        <span role="progressbar" aria-label={`Progress of ${stage}`} aria-valuenow={percent}>
          <i style={{ width: `${percent}%` }} />
        </span>
        <em class="small">
          {percent} %{progress ? `, ${progress.phase}` : ''} ·{' '}
          {duration(secondsBetween(startedAt, null, now))}
        </em>
      </div>
    </li>
  );
}
