import type { Curve, JobView } from '@distillery/spec';
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
import type { JobNetworks } from './job-networks.ts';
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
  const stages = job.stages.filter(({ id, kind }) => kind !== 'outputs' && withCurves.has(id));
  const running = stages.find(({ state, kind }) => state === 'running' && kind === 'student');
  const first =
    stages.find(({ network }) => network === pinned) ??
    running ??
    stages.find(({ network }) => network !== null && networks.roleOf(network).role === 'student') ??
    stages[0];
  const stage = stages.find(({ id }) => id === query.get('run')) ?? first;
  const log = query.get('axis') !== 'linear';
  const own = useMemo(() => curves.filter((curve) => curve.stage === stage?.id), [curves, stage?.id]);
  const losses = useMemo(
    () =>
      lossSeries(
        own,
        smoothing,
        stage?.network === null || stage === undefined ? undefined : networks.roleOf(stage.network),
      ),
    [own, smoothing],
  );
  const rate = useMemo(() => rateSeries(own), [own]);
  const known = log && losses.some(({ y }) => y.some((value) => value !== null && value <= 0)) ? false : log;
  return (
    <ChartCard
      id="losses"
      title="Losses"
      hint={
        stage === undefined ? undefined : (
          <RunChoice stages={stages} value={stage.id} onChange={(run) => change({ run })} />
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

function RunChoice(props: { stages: JobView['stages']; value: string; onChange: (run: string) => void }) {
  const { stages, value, onChange } = props;
  return (
    <Select
      label="Run"
      small
      value={value}
      options={stages.map(({ id, network, seed }) => ({
        value: id,
        label: network === null ? id : `${network}${seed === null ? '' : `, seed ${seed}`}`,
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
