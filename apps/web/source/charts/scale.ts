/** Maps values to pixels along an axis. */
export interface Scale {
  (value: number): number;
  /** The value at a pixel. */
  invert(pixel: number): number;
  readonly domain: readonly [low: number, high: number];
  /** Where the grid lines and labels are: 3 to 7 values within the domain. */
  readonly ticks: readonly number[];
}

type Range = readonly [from: number, to: number];

/** Steps between ticks, over a power of ten. */
const steps = [1, 2, 2.5, 5, 10];
const wholeSteps = [1, 2, 5, 10];

/** The smallest readable step that divides a span into at most `count` parts. `whole` steps are whole numbers. */
function stepFor(span: number, count: number, whole: boolean): number {
  const power = 10 ** Math.floor(Math.log10(span / count));
  const choices = whole ? wholeSteps : steps;
  const step = (choices.find((one) => one * power * count >= span * (1 - 1e-9)) ?? 10) * power;
  return whole ? Math.max(1, step) : step;
}

/** Multiples of a step within a domain; computed by whole factors, so that 0.1 + 0.2 stays 0.3. */
function multiples(low: number, high: number, step: number): number[] {
  const first = Math.ceil(low / step - 1e-6);
  const last = Math.floor(high / step + 1e-6);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}

/** Widens a domain without extent, so that a single value is in its middle. */
function spread(low: number, high: number): [number, number] {
  if (high > low) return [low, high];
  const margin = low === 0 ? 1 : Math.abs(low) * 0.1;
  return [low - margin, high + margin];
}

export interface LinearOptions {
  /** About how many ticks; default 5. */
  count?: number;
  /** Ticks are whole numbers, as epochs and steps are. */
  whole?: boolean;
  /** The domain ends at ticks; default true. */
  round?: boolean;
}

/** A linear scale over the values from `low` to `high`. */
export function linearScale(
  [low, high]: readonly [number, number],
  [from, to]: Range,
  { count = 5, whole = false, round = true }: LinearOptions = {},
): Scale {
  let [first, last] = spread(low, high);
  const step = stepFor(last - first, count, whole);
  if (round) {
    first = Number((Math.floor(first / step + 1e-6) * step).toPrecision(12));
    last = Number((Math.ceil(last / step - 1e-6) * step).toPrecision(12));
  }
  const factor = (to - from) / (last - first);
  return Object.assign((value: number) => from + (value - first) * factor, {
    invert: (pixel: number) => first + (pixel - from) / factor,
    domain: [first, last] as const,
    ticks: multiples(first, last, step),
  });
}

/** The numbers of the form 1, 3 or 1, 2, 5 times a power of ten around a domain, or powers of ten alone when there are many. */
function logTicks(low: number, high: number): number[] {
  const from = Math.floor(Math.log10(low) + 1e-9);
  const to = Math.ceil(Math.log10(high) - 1e-9);
  const decades = Math.log10(high / low);
  const mantissas = decades <= 1.2 ? [1, 2, 5] : decades <= 3 ? [1, 3] : [1];
  const stride = Math.max(1, Math.ceil((to - from) / 6));
  const found: number[] = [];
  for (let power = from; power <= to; power += stride) {
    for (const mantissa of mantissas) found.push(Number((mantissa * 10 ** power).toPrecision(6)));
  }
  return found;
}

/** A logarithmic scale over the values from `low` to `high`, which must be above 0. Its domain ends at ticks if `round`. */
export function logScale(
  [low, high]: readonly [number, number],
  [from, to]: Range,
  { round = true }: { round?: boolean } = {},
): Scale {
  const [least, most] = high > low ? [low, high] : [low / 2, low * 2];
  const all = logTicks(least, most);
  const first = round ? (all.findLast((tick) => tick <= least * (1 + 1e-9)) ?? least) : least;
  const last = round ? (all.find((tick) => tick >= most * (1 - 1e-9)) ?? most) : most;
  const factor = (to - from) / Math.log(last / first);
  return Object.assign((value: number) => from + Math.log(value / first) * factor, {
    invert: (pixel: number) => first * Math.exp((pixel - from) / factor),
    domain: [first, last] as const,
    ticks: all.filter((tick) => tick >= first * (1 - 1e-9) && tick <= last * (1 + 1e-9)),
  });
}

/** The smallest and the largest of all values that are finite numbers and, for a log axis, above 0; undefined without any. */
export function extentOf(
  lists: Iterable<Iterable<number | null | undefined>>,
  { positive = false } = {},
): [low: number, high: number] | undefined {
  let low = Infinity;
  let high = -Infinity;
  for (const list of lists) {
    for (const value of list) {
      if (value === null || value === undefined || !Number.isFinite(value) || (positive && value <= 0))
        continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low <= high ? [low, high] : undefined;
}
