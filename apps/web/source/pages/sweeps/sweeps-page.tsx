import type { SweepSummary } from '@distillery/spec';
import { useEffect } from 'preact/hooks';
import { useLoad } from '../../api/use-load.ts';
import { Empty, ErrorBox, Loading } from '../../components/page-states.tsx';
import { State } from '../../components/state.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { counted, nothing, number } from '../../format/numbers.ts';
import { ago, exactTime } from '../../format/times.ts';
import { gainText, spreadText } from '../../results/spread-text.ts';
import { useTitle } from '../../use-title.ts';
import { useNow } from '../../view/use-now.ts';

const most = 100;

/** All sweeps, newest first. */
export default function SweepsPage() {
  useTitle('Sweeps');
  const { data, error, pending, reload } = useLoad<{ sweeps: SweepSummary[]; next: string | null }>(
    `/v1/sweeps?limit=${most}`,
  );
  const now = useNow(3000);
  const live = data?.sweeps.some(({ finishedAt }) => finishedAt === null) ?? false;
  useEffect(() => {
    if (live) reload();
  }, [now, live]);
  return (
    <>
      <div class="head">
        <h1>Sweeps</h1>
      </div>
      <section class="card">
        {pending && <Loading />}
        {error && <ErrorBox title="Could not load the sweeps" problem={error} onRetry={reload} />}
        {data &&
          (data.sweeps.length === 0 ? (
            <Empty icon="list" title="No sweeps yet">
              <p>
                A sweep tries a job over combinations of values, such as temperatures and learning rates. Its
                trials share the teacher. Submit one with <code>distill sweeps run FILE</code>.
              </p>
            </Empty>
          ) : (
            <>
              <Table
                label="Sweeps"
                columns={columns(now)}
                rows={data.sweeps}
                rowKey={({ id }) => id}
                sticky
              />
              {data.next !== null && (
                <p class="note">The newest {number(most)} sweeps are shown; the API lists the others.</p>
              )}
            </>
          ))}
      </section>
    </>
  );
}

const searches = { grid: 'every combination', random: 'at random', halving: 'successive halving' } as const;

function columns(now: number): Column<SweepSummary>[] {
  return [
    {
      name: 'name',
      title: 'Sweep',
      names: true,
      cell: ({ id, name, search, owner }) => (
        <>
          <a href={`/sweeps/${id}`}>
            <b>{name ?? id}</b>
          </a>
          <div class="small muted">
            {searches[search.type]}
            {owner !== null && `, by ${owner}`}
          </div>
        </>
      ),
    },
    { name: 'state', title: 'State', cell: ({ state }) => <State state={state} /> },
    {
      name: 'trials',
      title: 'Trials',
      cell: ({ trials }) => {
        const all = Object.values(trials).reduce((sum, count) => sum + count, 0);
        const open = trials.waiting + trials.running + trials.held;
        return (
          <>
            {number(all - open)} of {number(all)}
            {trials.failed > 0 && <div class="small muted">{counted(trials.failed, 'failure')}</div>}
          </>
        );
      },
    },
    {
      name: 'best',
      title: 'Best validation, %',
      number: true,
      cell: ({ best }) => (best === null ? nothing : spreadText(best.validation.best)),
    },
    {
      name: 'gain',
      title: 'Over control',
      number: true,
      cell: ({ best }) => gainText(best?.overControl?.best ?? null),
    },
    {
      name: 'age',
      title: 'Submitted',
      number: true,
      class: 'two',
      cell: ({ createdAt }) => <time title={exactTime(createdAt)}>{ago(createdAt, now)}</time>,
    },
  ];
}
