import type { JobView, StageView } from '@distillery/spec';
import { ChartCard } from '../../charts/chart-card.tsx';
import { Drawn } from '../../charts/drawn.tsx';
import { linearScale } from '../../charts/scale.ts';
import { duration, secondsBetween } from '../../format/times.ts';

const rowHeight = 22;
const top = 24;

/** When each stage ran and on which worker: one bar for each, with lines from what it needs. */
export function StageGraph({ job }: { job: JobView }) {
  const started = job.stages.filter(({ startedAt }) => startedAt !== null);
  if (started.length === 0) return null;
  const height = top + started.length * rowHeight + 34;
  return (
    <ChartCard
      id="times"
      title="Times"
      hint="seconds since the first stage began, as of the last attempt of each"
      file={job.name ?? job.id}
      table={() => ({
        titles: ['stage', 'worker', 'started', 'seconds'],
        rows: started.map(({ id, worker, startedAt, finishedAt }) => [
          id,
          worker,
          startedAt,
          secondsBetween(startedAt, finishedAt),
        ]),
      })}
    >
      <Drawn height={height}>{(width) => <Bars stages={started} width={width} height={height} />}</Drawn>
    </ChartCard>
  );
}

function Bars({ stages, width, height }: { stages: readonly StageView[]; width: number; height: number }) {
  const begin = Math.min(...stages.map(({ startedAt }) => Date.parse(startedAt ?? '')));
  const from = (stage: StageView) => (Date.parse(stage.startedAt ?? '') - begin) / 1000;
  const took = ({ startedAt, finishedAt }: StageView) => secondsBetween(startedAt, finishedAt) ?? 0;
  const end = Math.max(1, ...stages.map((stage) => from(stage) + took(stage)));
  const narrow = width < 560;
  const left = narrow ? 96 : Math.min(Math.max(...stages.map(({ id }) => id.length)) * 6.6 + 12, width * 0.3);
  const x = linearScale([0, end], [left, width - 64], { round: false, count: narrow ? 3 : 7 });
  const bottom = height - 34;
  const rowOf = new Map(stages.map(({ id }, index) => [id, index]));
  const room = Math.floor((left - 12) / 6.4);
  return (
    <svg
      class="chart"
      width={width}
      height={height}
      role="img"
      aria-label="Times of the stages; the table has its numbers"
    >
      {x.ticks.map((tick) => (
        <g key={tick}>
          <path class="g" d={`M${x(tick).toFixed(1)} ${top - 8}V${bottom}`} />
          <text x={x(tick)} y={bottom + 16} text-anchor="middle">
            {duration(tick)}
          </text>
        </g>
      ))}
      {stages.map((stage, index) => {
        const y = top + index * rowHeight;
        const barX = x(from(stage));
        const barWidth = Math.max(2, x(from(stage) + took(stage)) - barX);
        return (
          <g key={stage.id} class={`stage-bar ${stage.state}`}>
            <title>
              {stage.id}: {duration(took(stage))}
              {stage.worker === null ? '' : ` on ${stage.worker}`}
            </title>
            <text class="lab2" x={left - 10} y={y + 10} text-anchor="end">
              {stage.id.length > room ? `${stage.id.slice(0, room - 1)}…` : stage.id}
            </text>
            {stage.needs.map((need) => {
              const row = rowOf.get(need);
              if (row === undefined) return null;
              const source = stages[row];
              const sourceX = x(from(source) + took(source));
              const sourceY = top + row * rowHeight + 6;
              return (
                <path
                  key={need}
                  class="need"
                  d={`M${sourceX.toFixed(1)} ${sourceY}V${y + 6}H${barX.toFixed(1)}`}
                />
              );
            })}
            <rect x={barX} y={y} width={barWidth} height={12} rx={3} />
            <text x={barX + barWidth + 6} y={y + 10}>
              {duration(took(stage))}
            </text>
          </g>
        );
      })}
    </svg>
  );
}
