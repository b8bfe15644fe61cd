import { type JobView, requirementInWords, type StageView } from '@distillery/spec';
import { duration } from './format.ts';

/** `student soft_target, seed 42`, `teacher wide`, `outputs of assistant, seed 42`, `peers a, b, seed 42` */
export function stageTitle({ kind, networks, seed }: Pick<StageView, 'kind' | 'networks' | 'seed'>): string {
  const withSeed = seed === null ? '' : `, seed ${seed}`;
  const names = networks.map(({ name }) => name).join(', ');
  const first = names === 'teacher';
  const titles: Record<string, string> = {
    student: `student ${names}${withSeed}`,
    mutual: `peers ${names}${withSeed}`,
    auxiliary: `auxiliary ${names}`,
    teacher: first ? 'teacher' : `teacher ${names}`,
    outputs: first ? 'outputs' : `outputs of ${names}${withSeed}`,
  };
  return titles[kind] ?? kind;
}

/** How long a stage or a job took, or has taken so far; '' before it began. */
export function tookOf(
  { startedAt, finishedAt }: Pick<StageView, 'startedAt' | 'finishedAt'>,
  now = Date.now(),
): string {
  if (startedAt === null) return '';
  return duration(
    Math.max(0, (finishedAt === null ? now : Date.parse(finishedAt)) - Date.parse(startedAt)) / 1000,
  );
}

/** What is shown instead of progress while a job is stopped. */
const idleStates: Partial<Record<JobView['state'], (id: string) => string>> = {
  pausing: () => 'pausing, its trainers write checkpoints',
  paused: (id) => `paused; go on with: distill resume ${id}`,
  cancelling: () => 'cancelling, its trainers write checkpoints',
};

/** What is shown while a job or a stage waits for anything but other stages; empty when it does not. */
export function waitOf({ waitingFor, missing }: Pick<JobView, 'waitingFor' | 'missing'>): string {
  switch (waitingFor) {
    case 'turn':
      return 'waiting for its turn';
    case 'worker':
      return 'waiting: no worker is running';
    case 'capability': {
      const required = missing.map(requirementInWords).join(' and ');
      return `waiting: no running worker has ${required || 'what the next stage requires'}`;
    }
    default:
      return '';
  }
}

/** What is shown instead of progress while no stage of a job runs. */
export function idleLine(job: JobView): string | undefined {
  const stopped = idleStates[job.state]?.(job.id);
  const wait = waitOf(job);
  return stopped ?? (job.state === 'queued' ? `queued, ${wait || 'about to begin'}` : wait || undefined);
}
