import { setTimeout as delay } from 'node:timers/promises';
import type { DistilleryQueue } from '@distillery/queue';
import { DistilleryError, type JobSpec } from '@distillery/spec';
import type { AddressRule } from './addresses.ts';
import { AddressError, allowedAddresses } from './lookup.ts';

/** For how long a request waits for the name of a receiver to be looked up. */
const lookupMs = 2000;

/**
 * Refuses a URL whose host has no address that requests may be sent to. A name that cannot be looked up now may have one
 * later; each attempt checks it again.
 *
 * @throws DistilleryError `invalid_body`
 */
export async function checkReceiver(url: string, allows: AddressRule): Promise<void> {
  try {
    const stop = new AbortController();
    const looked = allowedAddresses(new URL(url).hostname, allows).finally(() => stop.abort());
    await Promise.race([looked, delay(lookupMs, undefined, { signal: stop.signal }).catch(() => looked)]);
  } catch (error) {
    if (!(error instanceof AddressError)) return;
    const { message } = error;
    throw new DistilleryError('invalid_body', `/url: ${message}`, {
      fields: [{ path: '/url', message, value: url }],
      cause: error,
    });
  }
}

/**
 * Refuses a spec that names webhooks which the owner of the job does not have.
 *
 * @param owner null while keys are off
 * @throws DistilleryError `invalid_spec`, with an entry for each of them
 */
export async function checkNamedWebhooks(
  { webhooks }: Pick<DistilleryQueue, 'webhooks'>,
  { webhooks: named = [] }: Pick<JobSpec, 'webhooks'>,
  owner: string | null,
): Promise<void> {
  if (named.length === 0) return;
  const own = new Set((await webhooks.list(owner)).map(({ id }) => id));
  const fields = named.flatMap((value, index) =>
    own.has(value)
      ? []
      : [
          {
            path: `/webhooks/${index}`,
            message: 'is none of your webhooks; POST /v1/webhooks creates one',
            value,
          },
        ],
  );
  const [first] = fields;
  if (first === undefined) return;
  throw new DistilleryError('invalid_spec', `${first.path}: ${first.message}`, { fields });
}
