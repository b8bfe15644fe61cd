import type { LeaderboardEntry, SweepView } from '@distillery/spec';
import { useMemo } from 'preact/hooks';
import { ChartCard } from '../../charts/chart-card.tsx';
import { Drawn } from '../../charts/drawn.tsx';
import { layOutValues, type ValuedTrial, type ValuePlot } from '../../charts/value-plot.ts';
import { markPath } from '../../components/mark.tsx';
import { valueText } from './short-paths.ts';

const height = 220;

/** The accuracy of the trials over the values of one path. */
export function ValuesCard({ sweep, path, title }: { sweep: SweepView; path: string; title: string }) {
  const { leaderboard, name, id } = sweep;
  return (
    <ChartCard
      id={`values${path.replaceAll(/[^a-z0-9]+/gi, '-')}`}
      title={title}
      hint={path}
      file={name ?? id}
      table={() => ({
        titles: ['trial', title, 'epochs', 'validation accuracy, %', 'standard deviation'],
        rows: leaderboard.map(({ trial, values, epochs, validation: { best } }) => [
          trial,
          valueText(values[path]),
          epochs,
          best.mean * 100,
          best.sd === null ? null : best.sd * 100,
        ]),
      })}
    >
      <Drawn height={height}>
        {(width) => <Values leaderboard={leaderboard} path={path} title={title} width={width} />}
      </Drawn>
    </ChartCard>
  );
}

interface ValuesProps {
  leaderboard: readonly LeaderboardEntry[];
  path: string;
  title: string;
  width: number;
}

function Values({ leaderboard, path, title, width }: ValuesProps) {
  const plot = useMemo(
    () =>
      layOutValues(
        leaderboard.map(
          ({ trial, values, validation: { best }, stopped }, index): ValuedTrial => ({
            trial,
            value: values[path],
            accuracy: best.mean * 100,
            deviation: best.sd === null ? null : best.sd * 100,
            kind: index === 0 ? 'best' : stopped ? 'stopped' : 'whole',
          }),
        ),
        { width, height },
      ),
    [leaderboard, path, width],
  );
  if (plot === undefined) return null;
  return <ValuePicture plot={plot} width={width} title={title} />;
}

const looks = {
  best: { class: 's2', mark: { role: 'student', place: 3 }, word: 'first', room: 46 },
  whole: { class: 's1', mark: { role: 'student', place: 0 }, word: 'to the end', room: 76 },
  stopped: { class: 'ctl', mark: { role: 'control' }, word: 'stopped', room: 64 },
} as const;

/** The marks that are in the picture with their words, on the right of the title of the axis. */
function Legend({ points, right }: Pick<ValuePlot, 'points' | 'right'>) {
  const kinds = (['stopped', 'whole', 'best'] as const).filter((kind) =>
    points.some((one) => one.kind === kind),
  );
  let at: number = right;
  return (
    <>
      {kinds.map((kind) => {
        at -= looks[kind].room;
        return (
          <g key={kind} class={looks[kind].class} transform={`translate(${at} 6)`}>
            <path class="mk" d={markPath(looks[kind].mark)} />
            <text x={9} y={4}>
              {looks[kind].word}
            </text>
          </g>
        );
      })}
    </>
  );
}

function ValuePicture({ plot, width, title }: { plot: ValuePlot; width: number; title: string }) {
  const { left, right, bottom, xTicks, yTicks, points } = plot;
  return (
    <svg
      class="chart"
      width={width}
      height={height}
      role="img"
      aria-label={`Validation accuracy over ${title}`}
    >
      <text x={0} y={10}>
        validation accuracy, %
      </text>
      <Legend points={points} right={right} />
      {yTicks.map(({ at, text }) => (
        <g key={text}>
          <path class="g" d={`M${left} ${at}H${right}`} />
          <text x={left - 8} y={at + 4} text-anchor="end">
            {text}
          </text>
        </g>
      ))}
      <path class="zero" d={`M${left} ${bottom}H${right}`} />
      {xTicks.map(({ at, text }) => (
        <g key={`${text} ${at}`}>
          <path class="zero" d={`M${at} ${bottom}v4`} />
          <text x={at} y={bottom + 17} text-anchor="middle">
            {text}
          </text>
        </g>
      ))}
      {points.map(({ trial, kind, accuracy, x, y, low, high }) => (
        <g key={trial} class={looks[kind].class}>
          {low !== high && <path class="whisk" d={`M${x.toFixed(1)} ${low.toFixed(1)}V${high.toFixed(1)}`} />}
          <path
            class="mk"
            d={markPath(looks[kind].mark)}
            transform={`translate(${x.toFixed(1)} ${y.toFixed(1)})`}
          >
            <title>{`trial ${trial}: ${accuracy.toFixed(2)} %`}</title>
          </path>
        </g>
      ))}
    </svg>
  );
}
