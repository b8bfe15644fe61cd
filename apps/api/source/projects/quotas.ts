import { type DistilleryQueue, quotaError } from '@distillery/queue';
import type { ProjectQuota } from '@distillery/spec';
import type { Store } from '@distillery/store';
import { bytesOf } from './used.ts';

/**
 * Checks that a project has hours and bytes left. Its unfinished jobs are counted where a job is created.
 *
 * @returns its quota; undefined without a project
 * @throws DistilleryError `quota_exceeded`, which names the quota, what is used and the limit
 */
export async function checkQuotas(
  queue: DistilleryQueue,
  store: Store,
  project: string | null,
): Promise<ProjectQuota | undefined> {
  if (project === null) return undefined;
  const { quota } = await queue.projects.get(project);
  if (quota.hours !== null) {
    const hours = await queue.projects.hours(project);
    if (hours >= quota.hours) throw quotaError(project, 'hours', hours, quota.hours);
  }
  if (quota.bytes !== null) {
    const bytes = await bytesOf(queue, store, project);
    if (bytes >= quota.bytes) throw quotaError(project, 'bytes', bytes, quota.bytes);
  }
  return quota;
}

/**
 * Checks that a project is within its bytes, with an upload that has been noted.
 *
 * @throws DistilleryError `quota_exceeded`
 */
export async function checkProjectSpace(
  queue: DistilleryQueue,
  store: Store,
  project: string | null,
): Promise<void> {
  if (project === null) return;
  const { quota } = await queue.projects.get(project);
  if (quota.bytes === null) return;
  const bytes = await bytesOf(queue, store, project);
  if (bytes > quota.bytes) throw quotaError(project, 'bytes', bytes, quota.bytes);
}
