import type { z } from 'zod';
import { DistilleryError, type ErrorCode, type FieldError } from './errors.ts';

/**
 * Returns one entry for each invalid field of a zod error: its JSON pointer (RFC 6901), its value, and the allowed
 * values or bounds if they can be listed.
 *
 * @param prefix a JSON pointer to prepend to each path
 */
export function fieldErrors(error: z.ZodError, input: unknown, prefix = ''): FieldError[] {
  return error.issues.flatMap((issue) => entries(issue, [], input, prefix));
}

/** Returns an error of the given code for a zod error, with an entry for each invalid field. Parameters as for `fieldErrors`. */
export function refusedInput(
  code: ErrorCode,
  error: z.ZodError,
  input: unknown,
  prefix = '',
): DistilleryError {
  const fields = fieldErrors(error, input, prefix);
  const [first] = fields;
  const message = first === undefined ? 'is not valid' : `${first.path || 'the body'}: ${first.message}`;
  const more = fields.length > 1 ? ` (and ${fields.length - 1} more)` : '';
  return new DistilleryError(code, message + more, { fields });
}

const maxFields = 100;
const maxAllowed = 100;

/**
 * Keeps the first 100 entries and shortens values that are long or deeply nested and long lists of allowed values, so that
 * an answer stays small and readable. Entries that were shortened before stay as they are.
 */
export function presentable(fields: readonly FieldError[]): FieldError[] {
  return fields.slice(0, maxFields).map((field) => ({
    ...field,
    ...('value' in field && { value: shortened(field.value, 4) }),
    ...(Array.isArray(field.allowed) &&
      field.allowed.length > maxAllowed + 1 && { allowed: [...field.allowed.slice(0, maxAllowed), '…'] }),
  }));
}

function shortened(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return value.length > 201 ? `${value.slice(0, 200)}…` : value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) return '…';
  if (Array.isArray(value)) return value.slice(0, 10).map((item) => shortened(item, depth - 1));
  const entries = Object.entries(value).slice(0, 10);
  return Object.fromEntries(entries.map(([key, item]) => [key.slice(0, 100), shortened(item, depth - 1)]));
}

function entries(
  issue: z.core.$ZodIssue,
  parent: readonly PropertyKey[],
  input: unknown,
  prefix: string,
): FieldError[] {
  const path = [...parent, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => entry(prefix, [...path, key], 'is not an option here', input));
  }
  if (issue.code === 'invalid_key') {
    return [entry(prefix, path, `the key ${issue.issues.map((inner) => inner.message).join(', ')}`, input)];
  }
  // A union without a discriminator reports each branch; only the branch that matched best is kept.
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const closest = issue.errors.reduce((best, branch) => (fit(branch) > fit(best) ? branch : best));
    if (fit(closest) > 0) return closest.flatMap((inner) => entries(inner, path, input, prefix));
    return [
      entry(prefix, path, `Invalid input: expected ${issue.errors.flat().map(wanted).join(' or ')}`, input),
    ];
  }
  return [entry(prefix, path, issue.message, input, allowedOf(issue))];
}

/** Describes the input that one branch of a union expects. */
function wanted(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return issue.values.map((value) => JSON.stringify(value)).join(' or ');
  return 'expected' in issue ? issue.expected : issue.code;
}

/** How well a branch of a union matches: 0 where the value has another type, more where only something within it is wrong. */
function fit(branch: readonly z.core.$ZodIssue[]): number {
  const depth = Math.max(0, ...branch.map((issue) => issue.path.length));
  const ofType = branch.every(
    ({ code }) => !['invalid_type', 'invalid_value', 'invalid_union'].includes(code),
  );
  return depth + (ofType ? 0.5 : 0);
}

function entry(
  prefix: string,
  path: readonly PropertyKey[],
  message: string,
  input: unknown,
  allowed?: unknown,
): FieldError {
  const value = valueAt(input, path);
  return {
    path: pointer(prefix, path),
    message: value === undefined ? message.replace(/, received undefined$/, ', it is missing') : message,
    ...(value === undefined ? {} : { value }),
    ...(allowed === undefined ? {} : { allowed }),
  };
}

function allowedOf(issue: z.core.$ZodIssue): unknown {
  switch (issue.code) {
    case 'invalid_value':
      return issue.values;
    case 'too_small':
      return { [bound('min', 'Minimum', issue)]: Number(issue.minimum) };
    case 'too_big':
      return { [bound('max', 'Maximum', issue)]: Number(issue.maximum) };
    case 'invalid_union': {
      const list = /^must be one of: (.*)$/.exec(issue.message)?.[1];
      return list?.split(', ');
    }
    default:
      return undefined;
  }
}

/** Returns the keyword of JSON Schema for a bound. */
function bound(
  short: 'min' | 'max',
  long: 'Minimum' | 'Maximum',
  issue: { origin: string; inclusive?: boolean },
): string {
  if (issue.origin === 'string') return `${short}Length`;
  if (issue.origin === 'array') return `${short}Items`;
  return issue.inclusive === false ? `exclusive${long}` : long.toLowerCase();
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? (value as never)[key as never] : undefined,
    input,
  );
}

function pointer(prefix: string, path: readonly PropertyKey[]): string {
  return prefix + path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
