import type { JobView } from '@distillery/spec';
import { useMemo } from 'preact/hooks';
import { ChartCard } from '../../charts/chart-card.tsx';
import { Drawn } from '../../charts/drawn.tsx';
import { OfRun, useHighlighting } from '../../charts/highlight.tsx';
import { layOutSizes, type SizeMeasure, type SizePlot } from '../../charts/size-plot.ts';
import { markPath, networkClass } from '../../components/mark.tsx';
import { Segments } from '../../components/segments.tsx';
import { useQuery } from '../../router/query.ts';
import type { ResultRow } from '../../results/rows.ts';
import { useHidden } from './hidden-runs.ts';

const choices: Record<SizeMeasure, { label: string; title: string; exact: string }> = {
  parameters: { label: 'Parameters', title: 'parameters, millions, log axis', exact: 'parameters' },
  size: { label: 'MB', title: 'MB of weights, log axis', exact: 'bytes' },
  latency: { label: 'Latency', title: 'milliseconds for one sample, log axis', exact: 'milliseconds' },
};
const height = 320;

/** Accuracy against size: the controls joined by a dashed line, and an arrow from each control to its students. */
export function SizeCard({ job, rows }: { job: JobView; rows: readonly ResultRow[] }) {
  const [query, change] = useQuery();
  const hidden = useHidden();
  const asked = query.get('size');
  const measure: SizeMeasure = asked !== null && asked in choices ? (asked as SizeMeasure) : 'parameters';
  const shown = rows.filter(({ name }) => !hidden.includes(name));
  return (
    <ChartCard
      id="size"
      title="Accuracy against size"
      file={job.name ?? job.id}
      table={() => ({
        titles: ['network', choices[measure].exact, 'test accuracy, %'],
        rows: shown.map((row) => [row.name, sizeOf(row, measure), row.accuracy.mean * 100]),
      })}
      controls={
        <Segments
          small
          label="Size"
          value={measure}
          options={(Object.keys(choices) as SizeMeasure[]).map((value) => ({
            value,
            label: choices[value].label,
          }))}
          onChange={(value) => change({ size: value === 'parameters' ? null : value })}
        />
      }
    >
      <Drawn height={height}>
        {(width) => <Sizes rows={shown} measure={measure} width={width} title={choices[measure].title} />}
      </Drawn>
    </ChartCard>
  );
}

function sizeOf(row: ResultRow, measure: SizeMeasure): number {
  if (measure === 'parameters') return row.parameters;
  return measure === 'size' ? row.weightBytes : row.latencyMs;
}

function Sizes(props: { rows: readonly ResultRow[]; measure: SizeMeasure; width: number; title: string }) {
  const { rows, measure, width, title } = props;
  const plot = useMemo(
    () =>
      layOutSizes(
        rows.map((row) => ({
          name: row.name,
          network: row.network,
          control: row.control,
          size: measure === 'latency' ? row.latencyMs : sizeOf(row, measure) / 1e6,
          accuracy: row.accuracy.mean * 100,
        })),
        { width, height },
      ),
    [rows, measure, width],
  );
  if (plot === undefined) return null;
  return <SizePicture plot={plot} width={width} title={title} />;
}

function SizePicture({ plot, width, title }: { plot: SizePlot; width: number; title: string }) {
  const highlight = useHighlighting();
  const { left, right, bottom, xTicks, yTicks, points, controlLine } = plot;
  return (
    <svg class="chart" width={width} height={height} role="img" aria-label={`Accuracy against ${title}`}>
      <text x={0} y={10}>
        test accuracy, %
      </text>
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
        <g key={text}>
          <path class="zero" d={`M${at} ${bottom}v4`} />
          <text x={at} y={bottom + 16} text-anchor="middle">
            {text}
          </text>
        </g>
      ))}
      <text x={right} y={bottom + 31} text-anchor="end">
        {title}
      </text>
      <g class="ctl">
        <path class="line" d={controlLine} />
      </g>
      {points.map(({ name, network, x, y, from, label }) => (
        <OfRun key={name} name={name} class={networkClass(network)}>
          {from && <path class="arrow" d={`M${from.x} ${from.y}L${x} ${y}`} />}
          {label && (
            <>
              {label.leader && <path class="lead" d={label.leader} />}
              <text
                class={`halo run-label ${network.role === 'control' ? 'lab2' : 'lab'}`}
                x={label.x}
                y={label.y + 4}
                text-anchor={label.anchor}
                onPointerEnter={() => highlight.hover(name)}
                onPointerLeave={() => highlight.hover(null)}
                onClick={() => highlight.pin(name)}
              >
                {name}
              </text>
            </>
          )}
          <path
            class="mk run-label"
            d={markPath(network)}
            transform={`translate(${x} ${y})${network.role === 'control' ? ' scale(.8)' : ''}`}
            onPointerEnter={() => highlight.hover(name)}
            onPointerLeave={() => highlight.hover(null)}
            onClick={() => highlight.pin(name)}
          >
            <title>{name}</title>
          </path>
        </OfRun>
      ))}
    </svg>
  );
}
