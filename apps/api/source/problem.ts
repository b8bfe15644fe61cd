import {
  asDistilleryError,
  DistilleryError,
  type ErrorCode,
  errorTable,
  presentable,
} from '@distillery/spec';
import { z } from 'zod';

/** Problem details (RFC 9457) with a stable `code` and an entry for each invalid field. */
export const problemSchema = z.object({
  type: z.string().describe('`urn:distillery:error:` and the code.'),
  title: z.string().describe('What the code means; the same for every error with this code.'),
  status: z.number().int().describe('The HTTP status.'),
  detail: z.string().describe('What is wrong with this request.'),
  code: z
    .enum(Object.keys(errorTable) as [ErrorCode, ...ErrorCode[]])
    .describe('The kind of error. Codes are stable: clients decide by them.'),
  instance: z.string().describe('The id of the request, as in the log.'),
  errors: z
    .array(
      z.object({
        path: z
          .string()
          .describe('A JSON pointer into the body, or `#/query/…`, `#/params/…`, `#/headers/…`.'),
        message: z.string().describe('What is wrong with the field.'),
        value: z.unknown().optional().describe('The value that was sent, shortened if it is long.'),
        allowed: z.unknown().optional().describe('The values or the range that the field allows.'),
      }),
    )
    .optional(),
});
export type Problem = z.output<typeof problemSchema>;

export const problemType = 'application/problem+json';

export function problemOf(error: DistilleryError, instance: string): Problem {
  const { status, title } = errorTable[error.code];
  return {
    type: `urn:distillery:error:${error.code}`,
    title,
    status,
    // The cause of an internal error is for the log alone.
    detail:
      error.code === 'internal'
        ? 'internal error; the log of the server has the cause under this request id'
        : error.message,
    code: error.code,
    instance,
    ...(error.fields === undefined ? {} : { errors: presentable(error.fields) }),
  };
}

/** Fastify's errors that a client causes. Its other errors are internal. */
const fastifyCodes: Record<string, ErrorCode> = {
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed_body',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'malformed_body',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed_body',
  // A compressed body that is damaged or ends early.
  Z_DATA_ERROR: 'malformed_body',
  Z_BUF_ERROR: 'malformed_body',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
};

/** Returns an error of the error table for anything that a handler, a hook or Fastify throws. */
export function classified(error: unknown): DistilleryError {
  if (!(error instanceof Error) || error instanceof DistilleryError) return asDistilleryError(error);
  const { code = '', statusCode = 500 } = error as { code?: string; statusCode?: number };
  const known = fastifyCodes[code] ?? (statusCode < 500 ? 'malformed_request' : undefined);
  if (known === undefined) return asDistilleryError(error);
  return new DistilleryError(known, error.message, { cause: error });
}
