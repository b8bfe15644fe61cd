import { refusedInput } from '@distillery/spec';
import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';

/** Validates with zod. The error has one entry for each invalid field. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> =
  ({ schema, httpPart }) =>
  (data: unknown) => {
    const parsed = schema.safeParse(data);
    if (parsed.success) return { value: parsed.data };
    if (httpPart === 'body') return { error: refusedInput('invalid_spec', parsed.error, data) };
    const prefix = `#/${httpPart === 'querystring' ? 'query' : httpPart}`;
    return { error: refusedInput('malformed_request', parsed.error, data, prefix) };
  };

/** Validates everything but the body: a spec is checked on the planning thread, because a large one takes long. */
export const validatorWithoutBody: typeof validatorCompiler = (route) =>
  route.httpPart === 'body' ? (value: unknown) => ({ value }) : validatorCompiler(route);
