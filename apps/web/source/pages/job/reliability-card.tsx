import { useMemo } from 'preact/hooks';
import { ChartCard } from '../../charts/chart-card.tsx';
import { useHighlight, useRunRow } from '../../charts/highlight.tsx';
import { LineChart } from '../../charts/line-chart.tsx';
import type { Series } from '../../charts/series.ts';
import { seriesTable } from '../../charts/series-table.ts';
import { Mark } from '../../components/mark.tsx';
import { Segments } from '../../components/segments.tsx';
import { number, signed } from '../../format/numbers.ts';
import { useQuery } from '../../router/query.ts';
import type { ResultRow } from '../../results/rows.ts';
import { reliabilityOf } from './analysis.ts';
import type { AnalysisProps } from './analyses.tsx';
import { useHidden } from './hidden-runs.ts';

const notes = { top: 'too cautious', bottom: 'too confident' };

/** Whether networks are as sure as they are right: the difference to the diagonal, in which real errors can be seen. */
export function ReliabilityCard({ job, rows, analysis, student }: AnalysisProps) {
  const [query, change] = useQuery();
  const hidden = useHidden();
  const diagonal = query.get('reliability') === 'diagonal';
  // The group of the chosen student: its control, its siblings and the teacher.
  const group = rows.filter(
    (row) =>
      !hidden.includes(row.name) &&
      (row.network.role === 'teacher' ||
        row === student ||
        row.name === student.control ||
        row.control === student.control),
  );
  const names = group.map(({ name }) => name).join(' ');
  const series = useMemo(
    () => group.map((row) => reliabilitySeries(row, analysis.networks, diagonal)),
    [analysis, names, diagonal],
  );
  return (
    <ChartCard
      id="reliability"
      title="Reliability"
      hint={student.architecture}
      file={job.name ?? job.id}
      table={() => seriesTable(series, 'confidence')}
      controls={
        <Segments
          small
          label="Axis of reliability"
          value={diagonal ? 'diagonal' : 'difference'}
          options={[
            { value: 'difference', label: 'Difference' },
            { value: 'diagonal', label: 'Diagonal' },
          ]}
          onChange={(value) => change({ reliability: value === 'diagonal' ? value : null })}
        />
      }
    >
      <div class="with-legend">
        <LineChart
          label="Reliability"
          series={series}
          height={320}
          xTitle="confidence"
          yTitle={diagonal ? 'fraction correct' : 'fraction correct − confidence'}
          signed={!diagonal}
          labels={false}
          marks
          format={(value) => (diagonal ? number(value, 3) : signed(value, 3))}
          empty="No predictions"
          {...(!diagonal && { notes })}
        />
        <Legend rows={group} />
      </div>
    </ChartCard>
  );
}

function reliabilitySeries(
  row: ResultRow,
  networks: AnalysisProps['analysis']['networks'],
  diagonal: boolean,
): Series {
  const bins = reliabilityOf(networks, row.name);
  return {
    name: row.name,
    network: row.network,
    x: bins.map(({ confidence }) => confidence),
    y: bins.map(({ confidence, accuracy }) => (diagonal ? accuracy : accuracy - confidence)),
  };
}

/** The ends of these lines coincide: a table names them instead of labels. */
function Legend({ rows }: { rows: readonly ResultRow[] }) {
  const highlight = useHighlight();
  const rowOf = useRunRow();
  return (
    <table class="legend">
      <thead>
        <tr>
          <th scope="col">Network</th>
          <th scope="col" class="num">
            ECE
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.name} class={highlight.active() === row.name ? 'on' : undefined} {...rowOf(row.name)}>
            <td>
              <span class="name">
                <Mark network={row.network} />
                <span>{row.name}</span>
              </span>
            </td>
            <td class="num">{number(row.calibrationError.mean, 3)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
