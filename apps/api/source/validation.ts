import { DistilleryError, fieldErrors } from '@distillery/spec';
import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';

/** Validates with zod. The error has one entry for each invalid field. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> =
  ({ schema, httpPart }) =>
  (data: unknown) => {
    const parsed = schema.safeParse(data);
    if (parsed.success) return { value: parsed.data };
    const body = httpPart === 'body';
    const fields = fieldErrors(
      parsed.error,
      data,
      body ? '' : `#/${httpPart === 'querystring' ? 'query' : httpPart}`,
    );
    const first = fields[0];
    const message = first === undefined ? 'is not valid' : `${first.path || 'the body'}: ${first.message}`;
    const more = fields.length > 1 ? ` (and ${fields.length - 1} more)` : '';
    const error = new DistilleryError(body ? 'invalid_spec' : 'malformed_request', message + more, {
      fields,
    });
    return { error };
  };
