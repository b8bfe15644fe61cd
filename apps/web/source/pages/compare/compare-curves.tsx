import type { Curve } from '@distillery/spec';
import { useMemo } from 'preact/hooks';
import { request } from '../../api/request.ts';
import { useLoading } from '../../api/use-load.ts';
import { ChartCard } from '../../charts/chart-card.tsx';
import { LineChart } from '../../charts/line-chart.tsx';
import { meanOfSeeds } from '../../charts/seeds.ts';
import type { Series } from '../../charts/series.ts';
import { seriesTable } from '../../charts/series-table.ts';
import { ErrorBox } from '../../components/page-states.tsx';
import { Select } from '../../components/select.tsx';
import { number } from '../../format/numbers.ts';
import { useQuery } from '../../router/query.ts';
import { isControl } from '../../results/networks.ts';
import { curveOf, networksOf } from '../job/job-networks.ts';
import type { CompareProps } from './compare-page.tsx';
import type { Compared } from './compared.ts';

/** The curves of one student in every job. */
export function CompareCurves({ jobs, names }: CompareProps) {
  const [query, change] = useQuery();
  const networks = [...new Set(jobs.flatMap(({ job }) => networksOf(job).students))];
  const students = [...networks.filter((name) => !isControl(name)), ...networks.filter(isControl)];
  const student = students.find((name) => name === query.get('student')) ?? students[0];
  const key = student === undefined ? null : `${student} ${jobs.map(({ id }) => id).join(' ')}`;
  const { data, error, reload } = useLoading<Curve[][]>(key, (signal) =>
    Promise.all(jobs.map((one) => curvesOf(one, student, signal))),
  );
  const series = useMemo(
    () =>
      (data ?? []).flatMap((curves, index) =>
        jobs[index] === undefined ? [] : seriesOf(jobs[index], names.get(jobs[index].id), curves),
      ),
    [data, names],
  );
  if (student === undefined) return null;
  return (
    <ChartCard
      id="curves"
      title="Validation accuracy"
      file={`compare-${student}`}
      table={() => seriesTable(series, 'epoch')}
      controls={
        <Select
          small
          label="Student"
          value={student}
          options={students.map((name) => ({ value: name, label: name }))}
          onChange={(name) => change({ student: name })}
        />
      }
    >
      {error && data === undefined ? (
        <ErrorBox title="Could not load the curves" problem={error} onRetry={reload} />
      ) : (
        <LineChart
          label={`Validation accuracy of ${student} by job`}
          series={series}
          height={340}
          xTitle="epoch"
          yTitle="validation accuracy, %"
          wholeX
          format={(value) => number(value, 2)}
          empty={data === undefined ? 'Loading' : 'No job has points of this student'}
        />
      )}
    </ChartCard>
  );
}

async function curvesOf(
  { id, job }: Compared,
  student: string | undefined,
  signal: AbortSignal,
): Promise<Curve[]> {
  if (student === undefined) return [];
  const stages = networksOf(job)
    .stagesOf(student)
    .filter(({ attempt }) => attempt > 0);
  if (stages.length === 0) return [];
  const query = new URLSearchParams([
    ['points', '1500'],
    ...stages.map((stage): [string, string] => ['stage', stage.id]),
  ]);
  const { curves } = await request<{ curves: Curve[] }>(
    `/v1/jobs/${encodeURIComponent(id)}/curves?${query}`,
    { signal },
  );
  return stages.flatMap((stage) => curveOf(curves, stage, student, 'validation_accuracy') ?? []);
}

/** The mean of the seeds of a job; its run is the job. */
function seriesOf({ id, network }: Compared, label: string | undefined, curves: readonly Curve[]): Series[] {
  if (curves.length === 0) return [];
  const runs = curves.map(({ epoch, value }) => ({
    x: epoch,
    y: value.map((one) => (one === null ? null : one * 100)),
  }));
  const { x, mean, sd } = meanOfSeeds(runs);
  return [{ name: id, label: label ?? id, network, x, y: mean, sd }];
}
