import { ChartCard } from '../../charts/chart-card.tsx';
import { DotPlot, dotPlotHeight, type DotRow } from '../../charts/dot-plot.tsx';
import { Drawn } from '../../charts/drawn.tsx';
import { EpochChoice } from '../../components/epoch-choice.tsx';
import { useQuery } from '../../router/query.ts';
import type { Chosen } from '../../results/rows.ts';
import type { CompareProps } from './compare-page.tsx';
import { comparedRows } from './compared.ts';

/** What each student gained over its control, in every job. */
export function GainsCard({ jobs, names }: CompareProps) {
  const [query, change] = useQuery();
  const chosen: Chosen = query.get('epoch') === 'last' ? 'last' : 'best';
  const student = query.get('student');
  const rows = comparedRows(
    jobs.map(({ report }) => report),
    chosen,
  ).flatMap(({ name, rows: own }): DotRow[] => {
    const dots = own.flatMap((row, index) => {
      if (!row?.gain) return [];
      const { id, network } = jobs[index];
      return [
        { name: id, network, mean: row.gain.mean * 100, sd: row.gain.sd === null ? null : row.gain.sd * 100 },
      ];
    });
    return dots.length === 0 ? [] : [{ key: name, label: name, dots, on: name === student }];
  });
  return (
    <ChartCard
      id="gains"
      title="Over control"
      file="compare"
      table={() => ({
        titles: ['student', ...jobs.map(({ id }) => names.get(id) ?? id)],
        rows: rows.map(({ label, dots }) => [
          label,
          ...jobs.map(({ id }) => dots.find(({ name }) => name === id)?.mean ?? null),
        ]),
      })}
      controls={<EpochChoice chosen={chosen} change={change} />}
    >
      {rows.length === 0 ? (
        <p class="small muted">No student of these jobs has been compared with a control yet.</p>
      ) : (
        <Drawn height={dotPlotHeight(rows)}>
          {(width) => (
            <DotPlot
              label="Gain over the control, by student and job"
              title="points over the control, mean ± sd of the seeds"
              rows={rows}
              width={width}
              onRow={(name) => change({ student: name === student ? null : name })}
            />
          )}
        </Drawn>
      )}
    </ChartCard>
  );
}
