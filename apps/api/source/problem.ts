import {
  asDistilleryError,
  DistilleryError,
  type ErrorCode,
  errorTable,
  type FieldError,
} from '@distillery/spec';
import { z } from 'zod';

/** RFC 9457, with a stable `code` and an entry for each bad field. */
export const problemSchema = z.object({
  type: z.string().describe('`urn:distillery:error:` and the code'),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  code: z
    .enum(Object.keys(errorTable) as [ErrorCode, ...ErrorCode[]])
    .describe('stable; what a client should switch on'),
  instance: z.string().describe('id of the request, as in the log'),
  errors: z
    .array(
      z.object({
        path: z.string().describe('JSON pointer into the body, or #/query/…, #/params/…, #/headers/…'),
        message: z.string(),
        value: z.unknown().optional(),
        allowed: z.unknown().optional(),
      }),
    )
    .optional(),
});
export type Problem = z.output<typeof problemSchema>;

export const problemType = 'application/problem+json';

const maxErrors = 100;

export function problemOf(error: DistilleryError, instance: string): Problem {
  const { status, title } = errorTable[error.code];
  return {
    type: `urn:distillery:error:${error.code}`,
    title,
    status,
    // What went wrong inside is for the log.
    detail: error.code === 'internal' ? 'the server made a mistake; its log has this request' : error.message,
    code: error.code,
    instance,
    ...(error.fields === undefined ? {} : { errors: error.fields.slice(0, maxErrors).map(presentable) }),
  };
}

/** A value is shown as it was sent, unless it is so long or deep that showing it would be a burden. */
function presentable(field: FieldError): FieldError {
  return 'value' in field ? { ...field, value: shortened(field.value, 4) } : field;
}

function shortened(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return value.length > 200 ? `${value.slice(0, 200)}…` : value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) return '…';
  if (Array.isArray(value)) return value.slice(0, 10).map((item) => shortened(item, depth - 1));
  const entries = Object.entries(value).slice(0, 10);
  return Object.fromEntries(entries.map(([key, item]) => [key.slice(0, 100), shortened(item, depth - 1)]));
}

/** Fastify's own errors that a client causes; what it throws beside them is ours to answer for. */
const fastifyCodes: Record<string, ErrorCode> = {
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed_body',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'malformed_body',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed_body',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
};

/** An error of the table for whatever a handler, a hook or Fastify has thrown. */
export function classified(error: unknown): DistilleryError {
  if (!(error instanceof Error) || error instanceof DistilleryError) return asDistilleryError(error);
  const { code = '', statusCode = 500 } = error as { code?: string; statusCode?: number };
  const known = fastifyCodes[code] ?? (statusCode < 500 ? 'malformed_request' : undefined);
  if (known === undefined) return asDistilleryError(error);
  return new DistilleryError(known, error.message, { cause: error });
}
