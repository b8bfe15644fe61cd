import type { JobView, StageView } from '@distillery/spec';
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

/** What is shown while a job or a stage waits, by what it waits for. */
export const waits: Partial<Record<NonNullable<JobView['waitingFor']>, string>> = {
  turn: 'waiting for its turn',
  worker: 'waiting: no worker is running',
  capability: 'waiting: no running worker supports what the next stage requires',
};

/** What is shown instead of progress while no stage of a job runs. */
export function idleLine({ id, state, waitingFor }: JobView): string | undefined {
  const stopped = idleStates[state]?.(id);
  const wait = waitingFor === null ? undefined : waits[waitingFor];
  return stopped ?? (state === 'queued' ? `queued, ${wait ?? 'about to begin'}` : wait);
}
