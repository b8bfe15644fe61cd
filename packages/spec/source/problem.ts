import type { z } from 'zod';
import type { FieldError } from './errors.ts';

/**
 * One entry for each bad field of what zod refused: a JSON pointer (RFC 6901), the value that stood there, and what
 * is allowed where that can be listed or bounded.
 */
export function fieldErrors(error: z.ZodError, input: unknown, prefix = ''): FieldError[] {
  return error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        path: pointer(prefix, [...issue.path, key]),
        message: 'is not an option here',
        value: valueAt(input, [...issue.path, key]),
      }));
    }
    // A union without a discriminator reports each branch; the branch that came closest speaks for it.
    const closest =
      issue.code === 'invalid_union' && issue.errors.length > 0
        ? issue.errors.reduce((best, branch) => (depth(branch) > depth(best) ? branch : best))
        : undefined;
    if (closest !== undefined && depth(closest) > 0) {
      return closest.map((inner) => entry(prefix, [...issue.path, ...inner.path], inner.message, input));
    }
    return [entry(prefix, issue.path, issue.message, input, allowedOf(issue))];
  });
}

function depth(branch: readonly z.core.$ZodIssue[]): number {
  return Math.max(0, ...branch.map((issue) => issue.path.length));
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
      return { [issue.inclusive === false ? 'exclusiveMinimum' : 'minimum']: Number(issue.minimum) };
    case 'too_big':
      return { [issue.inclusive === false ? 'exclusiveMaximum' : 'maximum']: Number(issue.maximum) };
    case 'invalid_union': {
      const list = /^must be one of: (.*)$/.exec(issue.message)?.[1];
      return list?.split(', ');
    }
    default:
      return undefined;
  }
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
