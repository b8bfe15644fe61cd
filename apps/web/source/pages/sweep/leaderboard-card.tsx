import type { LeaderboardEntry, SweepView } from '@distillery/spec';
import { useState } from 'preact/hooks';
import { Button } from '../../components/button.tsx';
import { GainAxis, GainStrip, gainScale } from '../../components/gain.tsx';
import { Empty } from '../../components/page-states.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { counted, number } from '../../format/numbers.ts';
import { gainText, spreadText } from '../../results/spread-text.ts';
import { shortPaths, valueText } from './short-paths.ts';

/** How many trials are in sight at first. */
const few = 10;

/** The trials with a result, the best first. */
export function LeaderboardCard({ sweep }: { sweep: SweepView }) {
  const { leaderboard, student } = sweep;
  const seeds = leaderboard[0]?.seeds ?? 0;
  const [all, setAll] = useState(false);
  return (
    <section class="card" aria-label="Leaderboard">
      <header>
        <h2>Leaderboard</h2>
        <span class="small muted">
          {student} by validation accuracy
          {seeds > 1 ? `, mean ± standard deviation over ${number(seeds)} seeds` : ''}
        </span>
      </header>
      {leaderboard.length === 0 ? (
        <Empty icon="list" title="No results yet">
          <p>The first trial appears here when its job has ended.</p>
        </Empty>
      ) : (
        <>
          <Table
            label="Trials by accuracy"
            columns={columns(sweep)}
            rows={all ? leaderboard : leaderboard.slice(0, few)}
            rowKey={({ trial }) => String(trial)}
            sticky
          />
          {leaderboard.length > few && (
            <p class="note">
              <Button small onClick={() => setAll(!all)}>
                {all ? `Show the first ${few}` : `Show all ${number(leaderboard.length)}`}
              </Button>
            </p>
          )}
          <p class="note">
            {seeds === 1 && 'One seed: differences of a point or two are noise. '}
            Gains are over the control with the same seed, trained for as many epochs. The highest of{' '}
            {counted(leaderboard.length, 'validation accuracy', 'validation accuracies')} is high partly by
            chance; the test set chose none of them.
          </p>
        </>
      )}
    </section>
  );
}

function columns({ leaderboard, over, rungs, trials }: SweepView): Column<LeaderboardEntry>[] {
  const scale = gainScale(
    leaderboard.flatMap(({ overControl }) => (overControl === null ? [] : [overControl.best])),
  );
  const places = new Map(leaderboard.map(({ trial }, index) => [trial, index + 1]));
  const job = ({ trial }: LeaderboardEntry) => trials[trial - 1]?.jobs.at(-1)?.id;
  return [
    {
      name: 'trial',
      title: 'Trial',
      names: true,
      cell: (entry) => (
        <a href={`/jobs/${job(entry) ?? ''}`}>
          <b>{number(places.get(entry.trial))}</b> <span class="muted">trial {number(entry.trial)}</span>
        </a>
      ),
    },
    ...[...shortPaths(Object.keys(over))].map(
      ([path, title]): Column<LeaderboardEntry> => ({
        name: path,
        title,
        number: true,
        cell: ({ values }) => <span class="value">{valueText(values[path])}</span>,
      }),
    ),
    ...(rungs.length > 1
      ? [
          {
            name: 'epochs',
            title: 'Epochs',
            number: true,
            cell: ({ epochs, stopped }: LeaderboardEntry) =>
              stopped ? `${number(epochs)} of ${number(rungs.at(-1))}` : number(epochs),
          },
        ]
      : []),
    {
      name: 'validation',
      title: 'Validation, %',
      number: true,
      cell: ({ validation }) => spreadText(validation.best),
    },
    ...(scale === null
      ? []
      : [
          {
            name: 'gain',
            title: 'Over control',
            number: true,
            cell: ({ overControl }: LeaderboardEntry) => gainText(overControl?.best ?? null),
          },
          {
            name: 'strip',
            title: <GainAxis scale={scale} />,
            label: 'Over control, drawn',
            class: 'strip',
            cell: ({ overControl }: LeaderboardEntry) => (
              <GainStrip gain={overControl?.best ?? null} scale={scale} />
            ),
          },
        ]),
    {
      name: 'test',
      title: 'Test, best epoch, %',
      number: true,
      cell: ({ test }) => spreadText(test?.accuracy.best ?? null),
    },
    {
      name: 'last',
      title: 'Test, last epoch, %',
      number: true,
      cell: ({ test }) => spreadText(test?.accuracy.last ?? null),
    },
    {
      name: 'testgain',
      title: 'Over control',
      number: true,
      cell: ({ test }) => gainText(test?.overControl?.best ?? null),
    },
  ];
}
