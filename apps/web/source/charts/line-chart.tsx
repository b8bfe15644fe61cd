import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Mark, markPath, networkClass } from '../components/mark.tsx';
import { number } from '../format/numbers.ts';
import { Drawn } from './drawn.tsx';
import { OfRun, useHighlighting } from './highlight.tsx';
import { type Plot, plotLines, type PlotOptions, type PlottedLine } from './line-plot.ts';
import { nearest, valueAt } from './seeds.ts';
import type { Series } from './series.ts';

export interface LineChartProps extends Omit<PlotOptions, 'width'> {
  /** What the chart shows, for readers of the screen. */
  label: string;
  series: readonly Series[];
  xTitle: string;
  yTitle: string;
  /** The text of a value with its unit; default: three digits. */
  format?: (value: number) => string;
  /** What is said while there are no points yet. */
  empty: string;
  /** A mark at each point, for lines of few points. */
  marks?: boolean;
  /** Words within the chart, at its upper and lower edge. */
  notes?: { top: string; bottom: string };
}

/** A chart of lines, one for each run, with a crosshair that reads all of them at one x. */
export function LineChart(props: LineChartProps) {
  return <Drawn height={props.height}>{(width) => <Lines key={width} {...props} width={width} />}</Drawn>;
}

function Lines(props: LineChartProps & { width: number }) {
  const { series, width, height, log, wholeX, signed, labels, domainX, domainY, empty } = props;
  const plot = useMemo(
    () => plotLines(series, { width, height, log, wholeX, signed, labels, domainX, domainY }),
    [series, width, height, log, wholeX, signed, labels, domainX, domainY],
  );
  if (plot === undefined) return <EmptyPlot width={width} height={height} text={empty} />;
  return (
    <Reading plot={plot} {...props}>
      <Picture plot={plot} {...props} />
    </Reading>
  );
}

/** The axes of a chart that has no points yet. */
function EmptyPlot({ width, height, text }: { width: number; height: number; text: string }) {
  const lines = [0.15, 0.5].map((share) => Math.round(height * share));
  return (
    <svg class="chart" width={width} height={height} role="img" aria-label={text}>
      {lines.map((y) => (
        <path key={y} class="g" d={`M24 ${y}H${width - 8}`} />
      ))}
      <path class="zero" d={`M24 ${height - 34}H${width - 8}`} />
      <text class="lab2 halo" x={width / 2} y={height / 2 + 4} text-anchor="middle">
        {text}
      </text>
    </svg>
  );
}

function Picture({ plot, ...props }: LineChartProps & { width: number; plot: Plot }) {
  const { width, height, xTitle, yTitle, log, signed, marks, labels = true, notes } = props;
  const { left, right, top, bottom, xTicks, yTicks, lines, words } = plot;
  const picture = useMemo(
    () => (
      <svg class="chart" width={width} height={height} aria-hidden="true">
        <text x={0} y={10}>
          {yTitle}
          {words}
          {log ? ', log axis' : ''}
        </text>
        {yTicks.map(({ at, text, value }) => (
          <g key={text}>
            <path class={signed && value === 0 ? 'zero' : 'g'} d={`M${left} ${at}H${right}`} />
            <text x={left - 8} y={at + 4} text-anchor="end">
              {text}
            </text>
          </g>
        ))}
        {!signed && <path class="zero" d={`M${left} ${bottom}H${right}`} />}
        {xTicks.map(({ at, text }) => (
          <text key={text} x={at} y={bottom + 16} text-anchor="middle">
            {text}
          </text>
        ))}
        <text x={right} y={bottom + 31} text-anchor="end">
          {xTitle}
        </text>
        {notes && (
          <>
            {plot.y(0) - top > 20 && (
              <text class="lab2 halo" x={left + 8} y={top + 14}>
                {notes.top}
              </text>
            )}
            {bottom - plot.y(0) > 20 && (
              <text class="lab2 halo" x={left + 8} y={bottom - 8}>
                {notes.bottom}
              </text>
            )}
          </>
        )}
        {lines.map((line) => (
          <OfRun key={line.series.name} name={line.series.name} class={networkClass(line.series.network)}>
            {line.behind !== '' && (
              <path class={`line ${line.series.behindClass ?? 'seed'}`} d={line.behind} />
            )}
            {line.band !== '' && <path class="band" d={line.band} />}
            <path class="line" d={line.line} />
            {marks && <PointMarks line={line} plot={plot} />}
            {labels && <EndLabel line={line} right={right} width={width} />}
          </OfRun>
        ))}
      </svg>
    ),
    [plot, width, height, xTitle, yTitle, log, signed, marks, labels, notes],
  );
  return picture;
}

function PointMarks({ line: { series }, plot }: { line: PlottedLine; plot: Plot }) {
  if (series.network.role !== 'student') return null;
  return (
    <>
      {series.x.map((x, index) => {
        const y = series.y[index];
        if (y === null || y === undefined) return null;
        const at = `translate(${plot.x(x).toFixed(1)} ${plot.y(y).toFixed(1)}) scale(.75)`;
        return <path key={x} class="mk" d={markPath(series.network)} transform={at} />;
      })}
    </>
  );
}

/** The name of a line with its mark, and a thin leader from the end of the line. */
function EndLabel({ line, right, width }: { line: PlottedLine; right: number; width: number }) {
  const { series, end, labelY } = line;
  const highlight = useHighlighting();
  if (end === undefined) return null;
  const { network } = series;
  const x = right + 24;
  const room = Math.max(3, Math.floor((width - x - 8) / 6.4));
  const text = series.label ?? series.name;
  const grey = network.role !== 'teacher' && networkClass(network) === 'ctl';
  return (
    <g
      class="run-label"
      onPointerEnter={() => highlight.hover(series.name)}
      onPointerLeave={() => highlight.hover(null)}
      onClick={() => highlight.pin(series.name)}
    >
      <path
        class="lead"
        d={`M${(end.x + 2).toFixed(1)} ${end.y.toFixed(1)}H${right + 6}L${right + 14} ${labelY.toFixed(1)}`}
      />
      <LineMark network={network} x={x - 2} y={labelY} />
      <text class={grey ? 'lab2' : 'lab'} x={x + 8} y={labelY + 4}>
        {text.length > room ? `${text.slice(0, room - 1)}…` : text}
        {text.length > room && <title>{text}</title>}
      </text>
    </g>
  );
}

/** The mark of a network within a chart. */
function LineMark({ network, x, y }: { network: Series['network']; x: number; y: number }) {
  if (network.role === 'student') {
    return <path class="mk" d={markPath(network)} transform={`translate(${x} ${y.toFixed(1)}) scale(.85)`} />;
  }
  return <path class="line" d={`M${x - 7} ${y.toFixed(1)}h12`} />;
}

/** The crosshair: reads all lines at one x, by pointer or by arrow keys. */
function Reading(props: LineChartProps & { width: number; plot: Plot; children: preact.ComponentChildren }) {
  const { plot, series, label, xTitle, width, height, children, format = defaultFormat } = props;
  const highlight = useHighlighting();
  const [x, setX] = useState<number | null>(null);
  const [spoken, setSpoken] = useState('');
  const place = useRef<HTMLDivElement>(null);
  const longest = useMemo(
    () => series.reduce((most, one) => (one.x.length > most.length ? one.x : most), [] as readonly number[]),
    [series],
  );
  const rows = useMemo(() => (x === null ? [] : readAt(series, x)), [series, x]);

  useEffect(() => () => highlight.hover(null), [highlight]);

  const at = (event: PointerEvent) => {
    const box = place.current?.getBoundingClientRect();
    if (box === undefined) return;
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    if (px < plot.left - 4 || px > plot.right + 4 || py > plot.bottom + 8) return leave();
    const found = longest[nearest(longest, plot.x.invert(px))];
    setX(found ?? null);
    if (found === undefined) return;
    const near = readAt(series, found)
      .map(({ series: one, value }) => ({ name: one.name, distance: Math.abs(plot.y(value) - py) }))
      .sort((a, b) => a.distance - b.distance)[0];
    highlight.hover(near !== undefined && near.distance < 16 ? near.name : null);
  };
  const leave = () => {
    setX(null);
    highlight.hover(null);
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      leave();
      return;
    }
    const now = x === null ? -1 : nearest(longest, x);
    const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: longest.length - 1 }[event.key];
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (to === undefined && step === undefined) return;
    event.preventDefault();
    const next =
      longest[Math.max(0, Math.min(longest.length - 1, to ?? (now < 0 ? longest.length - 1 : now)))];
    if (next === undefined) return;
    const values = readAt(series, next);
    const index = values.findIndex(({ series: one }) => one.name === highlight.active());
    const chosen = values[Math.max(0, Math.min(values.length - 1, index + (step ?? 0)))] ?? values[0];
    setX(next);
    if (chosen === undefined) return;
    highlight.hover(chosen.series.name);
    setSpoken(
      `${chosen.series.label ?? chosen.series.name}, ${xTitle} ${number(next)}: ${format(chosen.value)}`,
    );
  };

  return (
    <div
      ref={place}
      class="reading"
      role="application"
      aria-roledescription="chart"
      aria-label={`${label}. Arrow up and down choose a run, left and right move along ${xTitle}.`}
      tabIndex={0}
      onPointerMove={at}
      onPointerLeave={leave}
      onBlur={leave}
      onKeyDown={press}
      onClick={() => {
        const name = highlight.active();
        if (name !== null && x !== null) highlight.pin(name);
      }}
    >
      {children}
      {x !== null && (
        <>
          <svg class="chart over" width={width} height={height} aria-hidden="true">
            <path class="now" d={`M${plot.x(x).toFixed(1)} ${plot.top}V${plot.bottom}`} />
            {rows.map(({ series: one, value }) => (
              <g key={one.name} class={networkClass(one.network)}>
                <circle class="mk" cx={plot.x(x)} cy={plot.y(value)} r={3} />
              </g>
            ))}
          </svg>
          <Readout x={x} at={plot.x(x)} width={width} rows={rows} xTitle={xTitle} format={format} />
        </>
      )}
      <span class="skip" aria-live="polite">
        {spoken}
      </span>
    </div>
  );
}

interface Read {
  series: Series;
  value: number;
  sd: number | null;
}

/** The values of all lines at one x, largest first. */
function readAt(series: readonly Series[], x: number): Read[] {
  return series
    .flatMap((one) => {
      const last = one.y.at(-1);
      const beyond = one.level && x > (one.x.at(-1) ?? Infinity);
      const value = beyond ? (last ?? null) : valueAt(one, x);
      if (value === null) return [];
      const index = one.x.indexOf(x);
      return [{ series: one, value, sd: index < 0 ? null : (one.sd?.[index] ?? null) }];
    })
    .sort((a, b) => b.value - a.value);
}

const mostRead = 14;

function Readout({
  x,
  at,
  width,
  rows,
  xTitle,
  format,
}: {
  x: number;
  at: number;
  width: number;
  rows: readonly Read[];
  xTitle: string;
  format: (value: number) => string;
}) {
  const highlight = useHighlighting();
  const active = highlight.active();
  // Around the run that is looked at, when there are more than fit.
  const from = Math.max(
    0,
    Math.min(rows.length - mostRead, rows.findIndex(({ series }) => series.name === active) - mostRead / 2),
  );
  const shown = rows.slice(from, from + mostRead);
  const side = at > width / 2 ? { right: `${width - at + 12}px` } : { left: `${at + 12}px` };
  return (
    <div class="readout" style={side} aria-hidden="true">
      <div class="small muted">
        {xTitle} {number(x, Number.isInteger(x) ? 0 : 2)}
      </div>
      <table>
        <tbody>
          {shown.map(({ series, value, sd }) => (
            <tr key={series.name} class={series.name === active ? 'on' : undefined}>
              <td>
                <span class="name">
                  <Mark network={series.network} />
                  <span>{series.name}</span>
                </span>
              </td>
              <td class="num">{format(value)}</td>
              <td class="num pm">{sd === null ? '' : `± ${format(sd)}`}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > shown.length && <div class="small muted">and {rows.length - shown.length} more</div>}
    </div>
  );
}

const defaultFormat = (value: number) => Number(value.toPrecision(3)).toString();
