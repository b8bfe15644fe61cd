import { DistilleryError, projectOf } from '@distillery/spec';
import type { ApiKey, DistilleryQueue } from '@distillery/queue';

/** The API key that a request was sent with, and its limits. */
export type Caller = Pick<ApiKey, 'id' | 'scope' | 'project'> & {
  /** The owner of what it makes: the name of the key, behind its project where it has one. */
  name: string;
  rate: number;
  jobs: number;
  /** The highest priority that it may give a job. */
  priority: number;
};

/**
 * Checks that a caller may control a job: its owner and admins may, and everyone where no keys are needed.
 *
 * @throws DistilleryError `forbidden`, `job_not_found`
 */
export async function checkControl(queue: DistilleryQueue, caller: Caller | null, id: string): Promise<void> {
  if (caller === null || caller.scope === 'admin') return;
  const { owner } = await queue.jobs.header(id);
  checkOwner(caller, owner, 'job');
}

/** Checks that a caller owns something, or is an administrator, or that no keys are needed. @throws DistilleryError `forbidden` */
export function checkOwner(
  caller: Caller | null,
  owner: string | null,
  what: 'job' | 'network' | 'sweep',
): void {
  if (caller === null || caller.scope === 'admin' || owner === caller.name) return;
  const ownership = owner === null ? 'has no owner' : `belongs to ${owner}`;
  throw new DistilleryError(
    'forbidden',
    `the ${what} ${ownership}; ${caller.name} can control only its own ${what}s`,
  );
}

/**
 * Whose uploads, data sets and webhooks a caller sees and changes: its own, and as admin or where no keys are needed those of all
 * (undefined).
 */
export function ownerSeenBy(caller: Caller | null): string | undefined {
  return caller === null || caller.scope === 'admin' ? undefined : caller.name;
}

/** The project to which a caller's view is limited; undefined for administrators, keys without a project, and where no keys are needed. */
export function projectSeenBy(caller: Caller | null): string | undefined {
  return caller === null || caller.scope === 'admin' ? undefined : (caller.project ?? undefined);
}

/** Whether a caller sees what an owner has. */
export function sees(caller: Caller | null, owner: string | null): boolean {
  const project = projectSeenBy(caller);
  return project === undefined || projectOf(owner) === project;
}

/** Checks that a caller sees a job. @throws DistilleryError `job_not_found`, as for one that does not exist */
export async function checkSeen(queue: DistilleryQueue, caller: Caller | null, id: string): Promise<void> {
  if (projectSeenBy(caller) === undefined) return;
  const { owner } = await queue.jobs.header(id);
  if (!sees(caller, owner)) throw new DistilleryError('job_not_found', `there is no job ${id}`);
}

/** Checks the priority that a caller gives a job in a spec, which may be invalid. @throws DistilleryError `invalid_spec` */
export function checkPriority(caller: Caller | null, spec: unknown): void {
  const { priority } = (spec ?? {}) as { priority?: unknown };
  if (caller === null || typeof priority !== 'number' || priority <= caller.priority) return;
  const message = `must be at most ${caller.priority} with a key of scope ${caller.scope}; a key of scope admin may give 10`;
  throw new DistilleryError('invalid_spec', `/priority: ${message}`, {
    fields: [{ path: '/priority', message, value: priority }],
  });
}
