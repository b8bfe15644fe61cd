import type { Curve, JobView, StageView } from '@distillery/spec';
import { useMemo } from 'preact/hooks';
import { ChartCard } from '../../charts/chart-card.tsx';
import { useHighlight } from '../../charts/highlight.tsx';
import { LineChart } from '../../charts/line-chart.tsx';
import type { Series } from '../../charts/series.ts';
import { seriesTable } from '../../charts/series-table.ts';
import { smoothed } from '../../charts/smooth.ts';
import type { Network } from '../../components/mark.tsx';
import { Segments } from '../../components/segments.tsx';
import { Select } from '../../components/select.tsx';
import { significant } from '../../format/numbers.ts';
import { useQuery } from '../../router/query.ts';
import { curvesOf, type JobNetworks, namesOf, trainsStudents } from './job-networks.ts';
import { useSmoothing } from './smoothing.tsx';

interface CardProps {
  job: JobView;
  networks: JobNetworks;
  curves: readonly Curve[] | undefined;
}

/** Values that are no losses, and that have charts of their own or none. */
const noLoss = /^(epoch_|gradient_norm_|validation_|learningRate$|samplesPerSecond$|tensors$)/;

/** The terms of the loss of one run, and its learning rate, step by step. */
export function LossesCard({ job, networks, curves = [] }: CardProps) {
  const [query, change] = useQuery();
  const [smoothing] = useSmoothing();
  const pinned = useHighlight().pinned();
  const withCurves = useMemo(() => new Set(curves.map(({ stage }) => stage)), [curves]);
  const runs = job.stages
    .filter(({ id, kind }) => kind !== 'outputs' && withCurves.has(id))
    .flatMap((stage) => namesOf(stage).map((network): Run => ({ stage, network })));
  const first =
    runs.find(({ network }) => network === pinned) ??
    runs.find(({ stage }) => stage.state === 'running' && trainsStudents(stage)) ??
    runs.find(({ network }) => networks.roleOf(network).role === 'student') ??
    runs[0];
  const run = runs.find((one) => keyOf(one) === query.get('run')) ?? first;
  const key = run && keyOf(run);
  const log = query.get('axis') !== 'linear';
  const own = useMemo(
    () => (run === undefined ? [] : curvesOf(curves, run.stage, run.network)),
    [curves, key],
  );
  const losses = useMemo(
    () => lossSeries(own, smoothing, run && networks.roleOf(run.network)),
    [own, smoothing],
  );
  const rate = useMemo(() => rateSeries(own), [own]);
  const known = log && losses.some(({ y }) => y.some((value) => value !== null && value <= 0)) ? false : log;
  return (
    <ChartCard
      id="losses"
      title="Losses"
      hint={
        key === undefined ? undefined : (
          <RunChoice runs={runs} value={key} onChange={(chosen) => change({ run: chosen })} />
        )
      }
      file={job.name ?? job.id}
      table={() => seriesTable([...losses, ...rate], 'step')}
      controls={
        <Segments
          small
          label="Axis"
          value={log ? 'log' : 'linear'}
          options={[
            { value: 'linear', label: 'Linear' },
            { value: 'log', label: 'Log' },
          ]}
          onChange={(value) => change({ axis: value === 'log' ? null : value })}
        />
      }
    >
      <LineChart
        label="Losses"
        series={losses}
        height={200}
        xTitle="step"
        yTitle="loss"
        wholeX
        log={known}
        format={significant}
        empty="No steps yet"
      />
      <LineChart
        label="Learning rate"
        series={rate}
        height={140}
        xTitle="step"
        yTitle="learning rate"
        wholeX
        labels={false}
        format={significant}
        empty="No steps yet"
      />
    </ChartCard>
  );
}

/** One network as one stage trains it. */
interface Run {
  stage: StageView;
  network: string;
}

/** The address of a run: its stage, with the network where the stage trains several. */
const keyOf = ({ stage, network }: Run): string =>
  stage.networks.length > 1 ? `${stage.id}/${network}` : stage.id;

function RunChoice(props: { runs: readonly Run[]; value: string; onChange: (run: string) => void }) {
  const { runs, value, onChange } = props;
  return (
    <Select
      label="Run"
      small
      value={value}
      options={runs.map((run) => ({
        value: keyOf(run),
        label: `${run.network}${run.stage.seed === null ? '' : `, seed ${run.stage.seed}`}`,
      }))}
      onChange={onChange}
    />
  );
}

/** One line for each term; the total is the line in ink. */
function lossSeries(curves: readonly Curve[], smoothing: number, network: Network | undefined): Series[] {
  const terms = curves.filter(({ name }) => !noLoss.test(name));
  const several = terms.length > 2;
  let place = 0;
  return terms
    .filter(({ name }) => several || name !== 'loss' || terms.length === 1)
    .map((curve) => {
      const total = curve.name === 'loss';
      const control = curve.name === 'cross_entropy';
      const role: Network = total
        ? { role: 'teacher' }
        : control
          ? { role: 'control' }
          : { role: 'student', place: placeOf(network) + place++ };
      return {
        name: curve.name,
        label: total ? 'total' : curve.name,
        network: role,
        x: curve.step,
        y: smoothed(curve.value, smoothing),
        ...(smoothing > 0 && { behind: [{ x: curve.step, y: curve.value }], behindClass: 'raw' as const }),
      };
    });
}

const placeOf = (network: Network | undefined) => (network?.role === 'student' ? network.place : 0);

function rateSeries(curves: readonly Curve[]): Series[] {
  return curves
    .filter(({ name }) => name === 'learningRate')
    .map(({ step, value }) => ({ name: 'learning rate', network: { role: 'teacher' }, x: step, y: value }));
}
