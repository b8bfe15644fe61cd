import type { JobSummary } from '@distillery/spec';
import { isTerminal } from '@distillery/spec/states';
import { nothing, number, percent, points } from '../../format/numbers.ts';
import { about } from '../../format/times.ts';

/** The parts of a job that its row in the table and its entry on a phone share. */

export const nameOf = ({ id, name }: Pick<JobSummary, 'id' | 'name'>): string => name ?? id;

/** How many stages have succeeded, and how many there are. */
export function stageCounts({ stages }: JobSummary): { done: number; all: number } {
  const all = Object.values(stages).reduce((sum, count) => sum + count, 0);
  return { done: stages.succeeded, all };
}

/** The progress as a bar, and the stages as a count. */
export function Progress({ job }: { job: JobSummary }) {
  const { done, all } = stageCounts(job);
  return (
    <span class={`pb ${job.state}`}>
      <span
        role="progressbar"
        aria-label={`Progress of ${nameOf(job)}`}
        aria-valuenow={Math.round(job.progress)}
        title={`${number(job.progress)} % of the work`}
      >
        <i style={{ width: `${job.progress}%` }} />
      </span>
      <em title={`${done} of ${all} stages have succeeded`}>
        {done}/{all}
      </em>
    </span>
  );
}

/** What happens next, or why it went wrong; null when the state says it all. */
export function secondLine(job: JobSummary, etaSeconds: number | null | undefined): string | null {
  const { done, all } = stageCounts(job);
  switch (job.state) {
    case 'queued':
      return job.startedAt === null ? 'waits for its turn' : 'waits for a worker';
    case 'running':
      return etaSeconds === null || etaSeconds === undefined ? null : `${about(etaSeconds)} left`;
    case 'pausing':
    case 'cancelling':
      return 'saving a checkpoint';
    case 'paused':
      return 'continues from its checkpoint';
    case 'failed':
      return job.reason?.message ?? null;
    case 'cancelled':
      return `cancelled after stage ${done} of ${all}`;
    case 'succeeded':
      return job.warnings === 0 ? null : `${job.warnings} ${job.warnings === 1 ? 'warning' : 'warnings'}`;
  }
}

/** The labels of a job; each one filters the list by it. */
export function Labels({ job, onChoose }: { job: JobSummary; onChoose: (label: string) => void }) {
  return (
    <>
      {Object.entries(job.labels).map(([key, value]) => (
        <button
          key={key}
          type="button"
          class="tag"
          title={`Only jobs with ${key}=${value}`}
          onClick={() => onChoose(`${key}=${value}`)}
        >
          {value === '' || value === 'true' ? key : `${key}=${value}`}
        </button>
      ))}
    </>
  );
}

/** The accuracy of the best student in percent. */
export const accuracyText = ({ best }: JobSummary): string => percent(best?.testAccuracy.mean);

/** The gain of the best student over its control in points, with its deviation over the seeds. */
export function GainText({ job: { best } }: { job: JobSummary }) {
  const gain = best?.overControl;
  if (!gain) return <span class="muted">{nothing}</span>;
  return (
    <>
      {points(gain.mean)} <span class="pm">{gain.sd === null ? '1 seed' : `± ${percent(gain.sd)}`}</span>
    </>
  );
}

/** What can be done with a job in its state. */
export const canCancel = ({ state }: JobSummary): boolean => !isTerminal(state) && state !== 'cancelling';
export const canDelete = ({ state }: JobSummary): boolean => isTerminal(state);
