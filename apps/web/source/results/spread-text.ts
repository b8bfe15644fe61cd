import type { Spread } from '@distillery/spec';
import { nothing, percent, points } from '../format/numbers.ts';

/** A mean of shares with its deviation over the seeds, in percent: `75.30 ± 0.42`. */
export function spreadText(spread: Spread | null): string {
  if (spread === null) return nothing;
  return spread.sd === null ? percent(spread.mean) : `${percent(spread.mean)} ± ${percent(spread.sd)}`;
}

/** A mean gain with its deviation, in points: `+1.20 ± 0.42`. */
export function gainText(gain: Spread | null): string {
  if (gain === null) return nothing;
  return gain.sd === null ? points(gain.mean) : `${points(gain.mean)} ± ${percent(gain.sd)}`;
}
