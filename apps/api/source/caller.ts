import { DistilleryError } from '@distillery/spec';
import type { ApiKey, DistilleryQueue } from '@distillery/queue';

/** The API key that a request was sent with, and its limits. */
export type Caller = Pick<ApiKey, 'id' | 'name' | 'scope'> & {
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

/** Checks the priority that a caller gives a job in a spec, which may be invalid. @throws DistilleryError `invalid_spec` */
export function checkPriority(caller: Caller | null, spec: unknown): void {
  const { priority } = (spec ?? {}) as { priority?: unknown };
  if (caller === null || typeof priority !== 'number' || priority <= caller.priority) return;
  const message = `must be at most ${caller.priority} with a key of scope ${caller.scope}; a key of scope admin may give 10`;
  throw new DistilleryError('invalid_spec', `/priority: ${message}`, {
    fields: [{ path: '/priority', message, value: priority }],
  });
}
