import type { JobSpecInput, NewSweep } from '@distillery/spec';
import { setAt } from './pointer.ts';
import type { Values } from './combinations.ts';

/** What a sweep sets in every job, so that no path of it may lead there. */
export const reservedPaths = ['/name', '/labels/sweep', '/labels/trial', '/until', '/baseline', '/seeds'];

export interface TrialIdentity {
  /** The id of the sweep. */
  sweep: string;
  /** The number of the trial, from 1. */
  trial: number;
}

/**
 * Returns the spec of the job of a trial: that of the sweep with the values of the trial. Controls are shared, so that one is trained for
 * all trials in which it is the same.
 *
 * @param until the epoch after which the job ends; undefined: it trains to the end
 * @param refuse is called for a path that leads nowhere, with the reason
 */
export function trialSpec(
  { name, job }: Pick<NewSweep, 'name' | 'job'>,
  values: Values,
  { sweep, trial }: TrialIdentity,
  until: number | undefined,
  refuse: (path: string, why: string) => void = () => {},
): JobSpecInput {
  const spec = structuredClone(job);
  for (const [path, value] of Object.entries(values)) {
    const why = setAt(spec, path, structuredClone(value));
    if (why !== undefined) refuse(path, why);
  }
  const { labels, baseline } = spec;
  const own = typeof labels === 'object' && labels !== null && !Array.isArray(labels) ? labels : {};
  return {
    ...spec,
    name: `${name ?? 'sweep'} · trial ${trial}`,
    labels: { ...own, sweep, trial: String(trial) },
    baseline: baseline === false ? false : 'shared',
    ...(until !== undefined && { until }),
  } as unknown as JobSpecInput;
}
