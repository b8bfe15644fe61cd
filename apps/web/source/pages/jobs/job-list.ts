import type { JobSummary } from '@distillery/spec';
import type { JobPage } from './job-filter.ts';

/** The jobs that are loaded, newest first, and whether there are more. Ids sort by the time of submission. */
export interface JobList {
  jobs: readonly JobSummary[];
  more: boolean;
}

export const emptyList: JobList = { jobs: [], more: true };

/**
 * Puts a page that was just loaded in the place of what was known of it: jobs within its range that it does not have were
 * deleted, or no longer match.
 *
 * @param after the position that the page was asked for
 */
export function withPage({ jobs, more }: JobList, after: string | null, page: JobPage): JobList {
  const last = page.next === null ? null : (page.jobs.at(-1)?.id ?? null);
  const before = after === null ? [] : jobs.filter(({ id }) => id >= after);
  const behind = last === null ? [] : jobs.filter(({ id }) => id < last);
  return {
    jobs: [...before, ...page.jobs, ...behind],
    // Behind the last known job nothing has changed, unless this page is that end.
    more: behind.length > 0 ? more : page.next !== null,
  };
}

/**
 * Where to load from to learn what has become of one job: the position before it.
 *
 * @returns undefined when the job is not known: new ones are at the top
 */
export function positionBefore({ jobs }: JobList, id: string): string | null | undefined {
  const at = jobs.findIndex((job) => job.id === id);
  return at < 0 ? undefined : at === 0 ? null : jobs[at - 1].id;
}
