import type { Network } from '../components/mark.tsx';
import type { Run } from './seeds.ts';

/** A line of a chart. */
export interface Series {
  /** Unique in the chart; also the name of the run that is looked at. */
  name: string;
  network: Network;
  /** What stands at the end of the line; default: the name. */
  label?: string;
  x: readonly number[];
  y: readonly (number | null)[];
  /** The standard deviation at each x, which is drawn as a band. */
  sd?: readonly (number | null)[];
  /** Thin lines behind it: single seeds, or the values before smoothing. */
  behind?: readonly Run[];
  /** How strong the lines behind are. */
  behindClass?: 'seed' | 'raw';
  /** The line goes on to the right edge at its last value, as that of a network which is trained already. */
  level?: boolean;
}

/** The last value of a line that is a number, with its x. */
export function lastPoint({ x, y }: Run): { x: number; y: number } | undefined {
  for (let index = x.length - 1; index >= 0; index--) {
    const value = y[index];
    if (value !== null && value !== undefined) return { x: x[index], y: value };
  }
  return undefined;
}
