import { loadedPlugins } from '@distillery/training';
import { type Asking, startAsking } from './asking.ts';
import type { Bounds } from './bounded.ts';
import type { SubmissionData, SubmissionWorks } from './submissions-thread.ts';

/** Checks, plans and creates jobs on a thread of its own: neither a large spec nor a large data set delays other requests. */
export type Submissions = Asking<SubmissionWorks>;

/** Each that waits holds a body of at most 1 MB. */
const defaultBounds: Bounds = { atOnce: 8, waiting: 100 };

export function startSubmissions({
  warn,
  bounds = defaultBounds,
  ...data
}: Omit<SubmissionData, 'plugins'> & {
  warn(message: string): void;
  bounds?: Bounds | undefined;
}): Submissions {
  return startAsking({
    module: import.meta.resolve('@distillery/api/submissions-thread'),
    data: { ...data, plugins: loadedPlugins } satisfies SubmissionData,
    what: 'submissions and plans',
    bounds,
    warn,
  });
}
