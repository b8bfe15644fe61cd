import type { DistilleryQueue } from '@distillery/queue';
import { DistilleryError, type JobSpec } from '@distillery/spec';

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
