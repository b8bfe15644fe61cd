import { linearScale, logScale } from './scale.ts';
import { logTickTexts, tickTexts } from './tick-text.ts';

/** A trial in the chart of accuracy over the values of one path. */
export interface ValuedTrial {
  trial: number;
  value: unknown;
  /** Percent. */
  accuracy: number;
  /** The standard deviation over the seeds, in points; null for one seed. */
  deviation: number | null;
  kind: 'best' | 'whole' | 'stopped';
}

export interface ValuePlot {
  left: number;
  right: number;
  bottom: number;
  xTicks: { at: number; text: string }[];
  yTicks: { at: number; text: string }[];
  /** The best one last, so that it is on top. `low` and `high` are the ends of the deviation. */
  points: (ValuedTrial & { x: number; y: number; low: number; high: number })[];
}

/** The texts of values that are no numbers are cut at so many characters. */
const longest = 14;

/**
 * Lays out trials by a value and their accuracy. Numbers have an axis, a logarithmic one where they span more than a factor of 20; other
 * values stand side by side in the order in which they come.
 */
export function layOutValues(
  trials: readonly ValuedTrial[],
  { width, height }: { width: number; height: number },
): ValuePlot | undefined {
  if (trials.length === 0) return undefined;
  const [top, bottom, left, right] = [26, height - 24, 38, width - 14];
  const ends = trials.flatMap(({ accuracy, deviation }) => [
    accuracy - (deviation ?? 0),
    accuracy + (deviation ?? 0),
  ]);
  const y = linearScale([Math.min(...ends), Math.max(...ends)], [bottom, top], { count: 4 });
  const numbers = trials.map(({ value }) => value).filter((value) => typeof value === 'number');
  const { place, ticks } =
    numbers.length === trials.length ? numbered(numbers, left, right) : listed(trials, left, right);
  return {
    left,
    right,
    bottom,
    xTicks: ticks,
    yTicks: y.ticks.map((tick, index) => ({ at: y(tick), text: tickTexts(y.ticks)[index] })),
    points: trials
      .map((trial) => ({
        ...trial,
        x: place(trial.value),
        y: y(trial.accuracy),
        low: y(trial.accuracy - (trial.deviation ?? 0)),
        high: y(trial.accuracy + (trial.deviation ?? 0)),
      }))
      .sort((a, b) => order[a.kind] - order[b.kind]),
  };
}

const order = { stopped: 0, whole: 1, best: 2 };

interface Axis {
  place: (value: unknown) => number;
  ticks: ValuePlot['xTicks'];
}

function numbered(values: readonly number[], left: number, right: number): Axis {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const range = [left + 10, right - 6] as const;
  const isLog = least > 0 && most / least > 20;
  const count = Math.max(2, Math.floor((right - left) / 80));
  const scale = isLog
    ? logScale([least, most], range)
    : linearScale([least, most], range, { count, whole: values.every(Number.isInteger) });
  const texts = isLog ? logTickTexts(scale.ticks) : tickTexts(scale.ticks);
  return {
    place: (value) => scale(value as number),
    ticks: scale.ticks.map((tick, index) => ({ at: scale(tick), text: texts[index] })),
  };
}

function listed(trials: readonly ValuedTrial[], left: number, right: number): Axis {
  const texts = [...new Set(trials.map(({ value }) => JSON.stringify(value)))];
  const step = (right - left) / texts.length;
  const at = (text: string) => left + (texts.indexOf(text) + 0.5) * step;
  return {
    place: (value) => at(JSON.stringify(value)),
    ticks: texts.map((text) => ({ at: at(text), text: shortened(JSON.parse(text)) })),
  };
}

/** A value as a word: the type of an option that has one. */
function shortened(value: unknown): string {
  const type = (value as { type?: unknown } | null)?.type;
  const text = typeof type === 'string' ? type : typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}
