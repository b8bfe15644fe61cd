import type { Network } from '../components/mark.tsx';
import { markPath, networkClass } from '../components/mark.tsx';
import { OfRun, useHighlighting } from './highlight.tsx';
import { extentOf, linearScale } from './scale.ts';
import { tickTexts } from './tick-text.ts';

interface Dot {
  name: string;
  network: Network;
  mean: number;
  /** Null for one seed. */
  sd: number | null;
}

export interface DotRow {
  key: string;
  label: string;
  dots: readonly Dot[];
  /** The value at the right edge. */
  value?: string;
  on?: boolean;
}

interface DotPlotProps {
  label: string;
  title: string;
  rows: readonly DotRow[];
  width: number;
  onRow?: (key: string) => void;
  /** What a dot belongs to on this page: default its name. */
  runOf?: (row: DotRow, dot: Dot) => string;
}

const dotGap = 11;

/** The height of the chart, in pixels. */
export const dotPlotHeight = (rows: readonly DotRow[]): number =>
  24 + rows.reduce((sum, row) => sum + rowHeight(row), 0) + 26;

const rowHeight = ({ dots }: DotRow) => Math.max(26, (dots.length - 1) * dotGap + 24);

/** Differences to a control: a dot with a whisker of one standard deviation for each, and a line where they are equal. */
export function DotPlot({ label, title, rows, width, onRow, runOf = (_, dot) => dot.name }: DotPlotProps) {
  const highlight = useHighlighting();
  const height = dotPlotHeight(rows);
  const dots = rows.flatMap((row) => row.dots);
  const extent = extentOf([dots.flatMap(({ mean, sd }) => [mean - (sd ?? 0), mean + (sd ?? 0)]), [0]]);
  if (extent === undefined || dots.length === 0) return null;
  const left = Math.min(Math.max(...rows.map((row) => row.label.length)) * 6.6 + 12, width * 0.34);
  const right = width - (rows.some(({ value }) => value !== undefined) ? 58 : 12);
  const x = linearScale(extent, [left, right], { count: Math.max(3, Math.floor((right - left) / 90)) });
  const texts = tickTexts(x.ticks, { plus: true });
  const bottom = height - 22;
  let y = 24;
  return (
    <svg class="chart" width={width} height={height} role="img" aria-label={label}>
      <text x={0} y={10}>
        {title}
      </text>
      {rows
        .map((row) => {
          const place = { row, top: y, height: rowHeight(row) };
          y += place.height;
          return place;
        })
        .map(({ row, top, height: own }) => (
          <g key={row.key} class={onRow && 'run-label'} onClick={onRow && (() => onRow(row.key))}>
            <rect class={row.on ? 'row-on' : 'hit'} x={0} y={top} width={width} height={own} rx={4} />
            <text
              class={row.on ? 'lab strong' : 'lab2'}
              x={left - 10}
              y={top + own / 2 + 4}
              text-anchor="end"
            >
              {row.label}
            </text>
            {row.value !== undefined && (
              <text class="lab2" x={width - 4} y={top + own / 2 + 4} text-anchor="end">
                {row.value}
              </text>
            )}
          </g>
        ))}
      {x.ticks.map((tick, index) => (
        <g key={tick}>
          <path class={tick === 0 ? 'zero' : 'g'} d={`M${x(tick).toFixed(1)} 24V${bottom}`} />
          <text x={x(tick)} y={bottom + 16} text-anchor="middle">
            {texts[index]}
          </text>
        </g>
      ))}
      {rows.map((row, index) => {
        const top = 24 + rows.slice(0, index).reduce((sum, one) => sum + rowHeight(one), 0);
        const first = top + rowHeight(row) / 2 - ((row.dots.length - 1) * dotGap) / 2;
        return row.dots.map((dot, at) => {
          const dy = first + at * dotGap;
          const name = runOf(row, dot);
          return (
            <OfRun key={`${row.key} ${dot.name}`} name={name} class={networkClass(dot.network)}>
              {dot.sd !== null && (
                <path
                  class="whisk"
                  d={`M${x(dot.mean - dot.sd).toFixed(1)} ${dy}H${x(dot.mean + dot.sd).toFixed(1)}`}
                />
              )}
              <path
                class="mk run-label"
                d={markPath(dot.network)}
                transform={`translate(${x(dot.mean).toFixed(1)} ${dy}) scale(.9)`}
                onPointerEnter={() => highlight.hover(name)}
                onPointerLeave={() => highlight.hover(null)}
              />
            </OfRun>
          );
        });
      })}
    </svg>
  );
}
