import { refusedInput } from '@distillery/spec';
import type { FastifySchemaCompiler } from 'fastify';
import { type z, ZodError } from 'zod';

/** Validates with zod. The error has one entry for each invalid field. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> =
  ({ schema, httpPart }) =>
  (data: unknown) => {
    const parsed = schema.safeParse(data);
    if (parsed.success) return { value: parsed.data };
    if (httpPart === 'body') return { error: refusedInput('invalid_body', parsed.error, data) };
    if (httpPart !== 'querystring') {
      return { error: refusedInput('malformed_request', parsed.error, data, `#/${httpPart}`) };
    }
    const error = new ZodError(parsed.error.issues.map((issue) => repeated(issue, data) ?? issue));
    return { error: refusedInput('malformed_request', error, data, '#/query') };
  };

/** A parameter that may be given once is an array when it is given twice, which a message on types does not tell. */
function repeated({ code, path }: z.core.$ZodIssue, query: unknown): z.core.$ZodIssue | undefined {
  const values = path.length === 1 && (query as Record<PropertyKey, unknown>)[path[0]];
  if (!Array.isArray(values) || (code !== 'invalid_type' && code !== 'invalid_value')) return undefined;
  const message = `is given ${values.length} times, but may be given once`;
  return { code: 'custom', path, message, input: undefined };
}

/** Validates everything but the body: a spec is checked on another thread, because a large one takes long. */
export const validatorWithoutBody: typeof validatorCompiler = (route) =>
  route.httpPart === 'body' ? (value: unknown) => ({ value }) : validatorCompiler(route);
