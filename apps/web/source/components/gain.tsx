import { type Network, markPath, networkClass } from './mark.tsx';

/** Values of several rows on one scale, in points of percent. */
export interface GainScale {
  low: number;
  high: number;
}

/** What a student gained over its control, in shares: -0.01 is one point below. `sd` is null for one seed. */
export interface Gain {
  mean: number;
  sd: number | null;
}

const width = 120;
const margin = 6;

/** The scale of a column: all means with their deviations, and zero; null without any. */
export function gainScale(gains: readonly Gain[]): GainScale | null {
  if (gains.length === 0) return null;
  const ends = gains.flatMap(({ mean, sd }) => [mean - (sd ?? 0), mean + (sd ?? 0)]);
  const low = Math.min(0, ...ends);
  const high = Math.max(0, ...ends);
  return high === low ? { low: -0.005, high: 0.005 } : { low, high };
}

const place = (value: number, { low, high }: GainScale) =>
  margin + ((value - low) / (high - low)) * (width - 2 * margin);

/** The drawn column, for a table cell of the class `strip`, whose height it takes: a line at zero, where the student equals its control, its mean, and ± one standard deviation. */
export function GainStrip({
  gain,
  scale,
  network,
}: {
  gain: Gain | null;
  scale: GainScale;
  network?: Network;
}) {
  const zero = place(0, scale);
  const colour = network === undefined ? 'plain' : networkClass(network);
  return (
    <svg class={`chart strip ${colour}`} width={width} height="100%" aria-hidden="true">
      <line class="zero" x1={zero} x2={zero} y1="0" y2="100%" />
      {gain && (
        <svg y="50%" overflow="visible">
          {gain.sd !== null && (
            <path
              class="whisk"
              d={`M${place(gain.mean - gain.sd, scale).toFixed(1)} 0H${place(gain.mean + gain.sd, scale).toFixed(1)}`}
            />
          )}
          <path
            class="mk"
            d={markPath(network ?? { role: 'student', place: 0 })}
            transform={`translate(${place(gain.mean, scale).toFixed(1)} 0)`}
          />
        </svg>
      )}
    </svg>
  );
}

/** The ends of the scale and its zero, above the column. */
export function GainAxis({ scale }: { scale: GainScale }) {
  const zero = place(0, scale);
  const label = (value: number) => `${value > 0 ? '+' : '−'}${Math.abs(value * 100).toFixed(1)}`;
  return (
    <svg class="chart strip" width={width} height={16} aria-hidden="true">
      <text x={zero} y="12" text-anchor="middle">
        0
      </text>
      {zero < width - 42 && (
        <text x={width - 2} y="12" text-anchor="end">
          {label(scale.high)}
        </text>
      )}
      {zero > 42 && (
        <text x="2" y="12">
          {label(scale.low)}
        </text>
      )}
    </svg>
  );
}
