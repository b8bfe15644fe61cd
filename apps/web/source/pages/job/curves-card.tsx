import type { Curve, JobView } from '@distillery/spec';
import { useMemo } from 'preact/hooks';
import { ChartCard } from '../../charts/chart-card.tsx';
import { LineChart } from '../../charts/line-chart.tsx';
import { seriesTable } from '../../charts/series-table.ts';
import { Segments } from '../../components/segments.tsx';
import { number, signed } from '../../format/numbers.ts';
import { useQuery } from '../../router/query.ts';
import { jobSeries, type Shown } from './accuracy-series.ts';
import { useHidden } from './hidden-runs.ts';
import type { JobNetworks } from './job-networks.ts';
import { Smoothing, useSmoothing } from './smoothing.tsx';

const choices: Record<Shown, { label: string; title: string; yTitle: string; signed: boolean }> = {
  accuracy: {
    label: 'Accuracy',
    title: 'Validation accuracy',
    yTitle: 'validation accuracy, %',
    signed: false,
  },
  gain: { label: 'Over control', title: 'Over control', yTitle: 'points over the control', signed: true },
  loss: { label: 'Loss', title: 'Training loss', yTitle: 'mean loss of the epoch', signed: false },
};

interface CardProps {
  job: JobView;
  networks: JobNetworks;
  /** Absent while they are loaded. */
  curves: readonly Curve[] | undefined;
}

/** All networks of a job in one chart, each the mean of its seeds. */
export function CurvesCard({ job, networks, curves }: CardProps) {
  const [query, change] = useQuery();
  const [smoothing] = useSmoothing();
  const hidden = useHidden();
  const hasAccuracy = curves === undefined || curves.some(({ name }) => name === 'validation_accuracy');
  const fallback: Shown = hasAccuracy || curves?.length === 0 ? 'accuracy' : 'loss';
  const asked = query.get('show');
  const shown: Shown = asked !== null && asked in choices ? (asked as Shown) : fallback;
  const seeds = query.get('seeds') === 'each';
  const log = shown === 'loss' && query.get('axis') !== 'linear';
  const key = networks.students.join(' ');
  const series = useMemo(
    () => jobSeries(curves ?? [], networks, { shown, smoothing, seeds, hidden }),
    // The networks are read from each view of the job anew; what matters of them is their names.
    [curves, key, shown, smoothing, seeds, hidden.join(' ')],
  );
  const { title, yTitle, signed: plus } = choices[shown];
  const count = networks.seeds.length;
  const format = (value: number) =>
    plus ? signed(value, 2) : shown === 'loss' ? number(value, 3) : number(value, 2);
  return (
    <ChartCard
      id="accuracy"
      title={title}
      hint={count > 1 ? `mean of ${count} seeds ± sd, to the epoch that all have reached` : undefined}
      file={job.name ?? job.id}
      table={() => seriesTable(series, 'epoch')}
      controls={
        <>
          {count > 1 && (
            <Segments
              small
              label="Seeds"
              value={seeds ? 'each' : 'mean'}
              options={[
                { value: 'mean', label: 'Mean' },
                { value: 'each', label: 'Each seed' },
              ]}
              onChange={(value) => change({ seeds: value === 'mean' ? null : value })}
            />
          )}
          <Segments
            small
            label="What is shown"
            value={shown}
            options={(Object.keys(choices) as Shown[])
              .filter((one) => one !== 'gain' || networks.students.some((name) => networks.controlOf(name)))
              .map((value) => ({ value, label: choices[value].label }))}
            onChange={(value) => change({ show: value === fallback ? null : value })}
          />
        </>
      }
    >
      <LineChart
        label={title}
        series={series}
        height={340}
        xTitle="epoch"
        yTitle={yTitle}
        wholeX
        log={log}
        signed={plus}
        format={format}
        empty={curves === undefined ? 'Loading' : 'The first point comes after epoch 1'}
      />
      <Smoothing />
    </ChartCard>
  );
}
