import type { SweepView, TrialView } from '@distillery/spec';
import { type Column, Table } from '../../components/table.tsx';
import { counted, nothing, number } from '../../format/numbers.ts';
import { shortPaths, valueText } from './short-paths.ts';
import { TrialState } from './trial-state.tsx';

/** Every trial in its order, with its state, its jobs and why it failed. */
export function TrialsCard({ sweep }: { sweep: SweepView }) {
  return (
    <section class="card" aria-label="Trials">
      <header>
        <h2>Trials</h2>
        <span class="small muted">{counted(sweep.trials.length, 'combination')}</span>
      </header>
      <Table
        label="All trials"
        columns={columns(sweep)}
        rows={sweep.trials}
        rowKey={({ trial }) => String(trial)}
        sticky
      />
    </section>
  );
}

function columns({ over, rungs }: SweepView): Column<TrialView>[] {
  const names = [...shortPaths(Object.keys(over))];
  return [
    { name: 'trial', title: 'Trial', names: true, cell: ({ trial }) => number(trial) },
    { name: 'state', title: 'State', cell: ({ state }) => <TrialState state={state} /> },
    {
      name: 'values',
      title: 'Values',
      cell: ({ values }) => (
        <span class="value">
          {names.map(([path, name]) => `${name} ${valueText(values[path])}`).join(', ')}
        </span>
      ),
    },
    {
      name: 'jobs',
      title: rungs.length > 1 ? 'Jobs, by the epoch at their end' : 'Job',
      cell: ({ jobs }) =>
        jobs.length === 0 ? (
          <span class="muted">{nothing}</span>
        ) : (
          <span class="bar">
            {jobs.map(({ id, until }) => (
              <a key={id} href={`/jobs/${id}`}>
                {rungs.length > 1 ? `to ${number(until)}` : 'open'}
              </a>
            ))}
          </span>
        ),
    },
    {
      name: 'reason',
      title: 'What went wrong',
      cell: ({ reason }) =>
        reason === null ? (
          <span class="muted">{nothing}</span>
        ) : (
          <span class="small">
            <code>{reason.code}</code> {reason.message}
          </span>
        ),
    },
  ];
}
