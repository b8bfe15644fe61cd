import { DistilleryError } from '@distillery/spec';
import { z } from 'zod';
import { classOptions } from '../classes.ts';
import type { DatasetKind } from '../dataset.ts';
import { limitOptions } from '../limits.ts';

const options = z.strictObject({
  id: z.string().min(1).max(64).describe('The id of the data set, as `POST /v1/datasets` returns it.'),
  ...classOptions,
  ...limitOptions,
});

/**
 * A data set that was uploaded. The service puts the source, the options and the digest of its file in place of the id when a job is
 * posted, so that a job depends on content, and nothing that trains has to know ids.
 */
export const uploaded: DatasetKind<typeof options> = {
  type: 'uploaded',
  summary: 'A data set that was uploaded to the service, by its id.',
  options,
  outline: ({ id }) => Promise.reject(unresolved(id)),
  load: ({ id }) => Promise.reject(unresolved(id)),
};

function unresolved(id: string): DistilleryError {
  const message = `${id} is the id of a data set of a service, and can be used in its jobs alone; give the file itself here`;
  return new DistilleryError('data_error', message, {
    fields: [{ path: '/dataset/id', message, value: id }],
  });
}
