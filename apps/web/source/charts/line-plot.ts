import { bandPath, linePath } from './path.ts';
import { placeLabels } from './place-labels.ts';
import { extentOf, linearScale, logScale, type Scale } from './scale.ts';
import { lastPoint, type Series } from './series.ts';
import { axisFactor, logTickTexts, tickTexts } from './tick-text.ts';

export interface PlotOptions {
  width: number;
  height: number;
  log?: boolean;
  /** x counts something: epochs or steps. */
  wholeX?: boolean;
  /** Differences: zero is part of the axis and a plus sign stands before what is above it. */
  signed?: boolean;
  /** The x axis; default: that of the values. */
  domainX?: readonly [number, number];
  domainY?: readonly [number, number];
  /** Names at the ends of the lines; default true. */
  labels?: boolean;
}

export interface PlottedLine {
  series: Series;
  line: string;
  band: string;
  behind: string;
  /** Where the line ends, and where its label is. */
  end: { x: number; y: number } | undefined;
  labelY: number;
}

/** Everything that a chart of lines draws, in pixels. */
export interface Plot {
  x: Scale;
  y: Scale;
  left: number;
  right: number;
  top: number;
  bottom: number;
  xTicks: { at: number; text: string }[];
  yTicks: { at: number; text: string; value: number }[];
  /** What is added to the title of the y axis, such as `, ×10⁻³`. */
  words: string;
  lines: PlottedLine[];
}

const characterWidth = 6.3;
const labelSpace = 34;

/** Lays out a chart of lines; undefined when there is nothing to show. */
export function plotLines(all: readonly Series[], options: PlotOptions): Plot | undefined {
  const { width, height, log = false, wholeX = false, signed = false, labels = true } = options;
  const xExtent = options.domainX ?? extentOf(all.map(({ x }) => x));
  const yExtent = options.domainY ?? extentY(all, log, signed);
  if (xExtent === undefined || yExtent === undefined) return undefined;
  const top = 22;
  const bottom = height - 34;
  const count = Math.max(2, Math.round((bottom - top) / 44));
  const y = log ? logScale(yExtent, [bottom, top]) : linearScale(yExtent, [bottom, top], { count });
  const { factor, words } = log ? { factor: 1, words: '' } : axisFactor(Math.max(...y.domain.map(Math.abs)));
  const scaled = y.ticks.map((tick) => Number((tick / factor).toPrecision(10)));
  const yTexts = log ? logTickTexts(y.ticks) : tickTexts(scaled, { plus: signed });
  const left = Math.ceil(Math.max(...yTexts.map((text) => text.length)) * characterWidth) + 8;
  const longest = Math.max(0, ...all.map(({ label, name }) => (label ?? name).length));
  const labelWidth = labels ? Math.min(longest * 6.6 + labelSpace, width * 0.34) : 8;
  const right = Math.round(width - labelWidth);
  const x = linearScale(xExtent, [left, right], {
    whole: wholeX,
    round: false,
    count: Math.max(3, Math.floor((right - left) / 75)),
  });
  const lines = all.map((series) => plottedLine(series, x, y, right));
  const shown = lines.filter(({ end }) => end !== undefined);
  const placed = placeLabels(
    shown.map(({ end }) => end?.y ?? 0),
    { top: top - 10, bottom: bottom + 6 },
  );
  shown.forEach((line, index) => {
    line.labelY = placed[index];
  });
  return {
    x,
    y,
    left,
    right,
    top,
    bottom,
    words,
    xTicks: x.ticks.map((tick, index) => ({ at: x(tick), text: tickTexts(x.ticks)[index] })),
    yTicks: y.ticks.map((tick, index) => ({ at: y(tick), text: yTexts[index], value: tick })),
    lines,
  };
}

function extentY(
  all: readonly Series[],
  log: boolean,
  signed: boolean,
): readonly [number, number] | undefined {
  const lists = all.flatMap(({ y, sd, behind = [] }) => [
    y,
    ...(sd === undefined || log
      ? []
      : [-1, 1].map((side) => y.map((value, at) => withSd(value, sd[at], side)))),
    ...behind.map((run) => run.y),
  ]);
  return extentOf(signed ? [...lists, [0]] : lists, { positive: log });
}

const withSd = (value: number | null, sd: number | null | undefined, side: number) =>
  value === null ? null : value + side * (sd ?? 0);

function plottedLine(series: Series, x: Scale, y: Scale, right: number): PlottedLine {
  const { sd, behind = [], level } = series;
  const pixel = (value: number | null) => {
    if (value === null) return null;
    const at = y(value);
    return Number.isFinite(at) ? at : null;
  };
  const xs = series.x.map(x);
  const ys = series.y.map(pixel);
  const last = lastPoint({ x: xs, y: ys });
  const line = linePath(xs, ys);
  const band = (side: number) => series.y.map((value, at) => pixel(withSd(value, sd?.[at], side)));
  return {
    series,
    line: level && last !== undefined ? `${line}M${last.x.toFixed(1)} ${last.y.toFixed(1)}H${right}` : line,
    band: sd === undefined || sd.every((one) => one === null) ? '' : bandPath(xs, band(1), band(-1)),
    behind: behind.map((run) => linePath(run.x.map(x), run.y.map(pixel))).join(''),
    end: last === undefined ? undefined : level ? { x: right, y: last.y } : last,
    labelY: last?.y ?? 0,
  };
}
