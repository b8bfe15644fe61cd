import type { JobState, JobSummary, JobView } from '@distillery/spec';
import { Problem } from '../../api/problem.ts';
import { request } from '../../api/request.ts';

/** Which jobs the list shows, as the address holds it. */
export interface JobFilter {
  state: JobState | null;
  /** `key=value` each; a job must have all of them. */
  labels: readonly string[];
  owner: string | null;
  /** Part of a name, an id, or a label as `key=value`. */
  search: string;
}

export interface JobPage {
  jobs: JobSummary[];
  next: string | null;
}

const idPattern = /^job_[0-9a-z]{26}$/;

export const isJobId = (text: string): boolean => idPattern.test(text);

export function filterOf(query: URLSearchParams): JobFilter {
  return {
    state: query.get('state') as JobState | null,
    labels: query.getAll('label'),
    owner: query.get('owner'),
    search: query.get('q')?.trim() ?? '',
  };
}

/** Whether the filter leaves anything out. */
export const isFiltered = ({ state, labels, owner, search }: JobFilter): boolean =>
  state !== null || labels.length > 0 || owner !== null || search !== '';

/** Loads jobs after a position, newest first. */
export async function loadPage(
  filter: JobFilter,
  after: string | null,
  limit: number,
  signal: AbortSignal,
): Promise<JobPage> {
  const { state, owner, search } = filter;
  if (isJobId(search)) return { jobs: after === null ? await jobOf(search, signal) : [], next: null };
  const query = new URLSearchParams({ limit: String(limit) });
  const label = /^[A-Za-z0-9._/-]{1,63}=/.test(search);
  for (const one of [...filter.labels, ...(label ? [search] : [])]) query.append('label', one);
  if (search !== '' && !label) query.set('name', search);
  if (state !== null) query.set('state', state);
  if (owner !== null) query.set('owner', owner);
  if (after !== null) query.set('after', after);
  return request<JobPage>(`/v1/jobs?${query}`, { signal });
}

/** The job of an id as the list shows it; none when there is no such job. */
async function jobOf(id: string, signal: AbortSignal): Promise<JobSummary[]> {
  try {
    const view = await request<JobView>(`/v1/jobs/${id}`, { signal });
    const stages = { waiting: 0, queued: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0 };
    for (const { state } of view.stages) stages[state]++;
    return [{ ...view, warnings: view.warnings.length, stages, best: null }];
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return [];
    throw error;
  }
}
