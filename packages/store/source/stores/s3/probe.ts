import { randomUUID } from 'node:crypto';
import { DistilleryError } from '@distillery/spec/errors';
import type { Bucket } from './bucket.ts';
import { statusOf } from './client.ts';

/**
 * Creates an object twice, which a service with conditional writes refuses the second time. Without them, two workers that take over
 * the same stage both believe to have written its next checkpoint.
 *
 * @throws DistilleryError `malformed_request` where the service ignores `If-None-Match` or does not know it, unless the URL says
 *   `conditional_writes=unchecked`; then `warn` receives the sentence
 */
export async function probeConditionalWrites(bucket: Bucket, warn: (message: string) => void): Promise<void> {
  const { shown, conditional_writes } = bucket.location;
  const key = `probes/${randomUUID()}`;
  let problem: string | undefined;
  try {
    await bucket.create(key, '', 'first');
    if (await bucket.create(key, '', 'second'))
      problem = 'ignores If-None-Match: a second write replaced the first';
  } catch (error) {
    if (statusOf((error as Error).cause) !== 501) throw error;
    problem = 'has no conditional writes (status 501)';
  } finally {
    await bucket.remove(key).catch(() => undefined);
  }
  if (problem === undefined) return;
  const sentence = `the service of ${shown} ${problem}. Two workers may both win where one must`;
  if (conditional_writes === 'unchecked') {
    warn(`${sentence}; conditional_writes=unchecked goes on all the same`);
    return;
  }
  throw new DistilleryError(
    'malformed_request',
    `${sentence}. Use a service with conditional writes, or add conditional_writes=unchecked to the URL if at most one worker runs`,
  );
}
