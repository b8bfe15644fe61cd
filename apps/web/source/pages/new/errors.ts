import type { FieldProblem } from '../../api/problem.ts';
import { defaultText, isObject, type Schema } from './schema.ts';

const bounds: Record<string, string> = {
  minimum: 'at least',
  exclusiveMinimum: 'greater than',
  maximum: 'at most',
  exclusiveMaximum: 'less than',
};

/** What must hold for a field, and its default: "Must be greater than 0. Default 4." */
export function errorText({ message, value, allowed }: FieldProblem, schema: Schema): string {
  const standard = defaultText(schema);
  const end = standard === undefined ? '' : ` Default ${standard}.`;
  if (value === undefined && /required|expected/i.test(message)) return `Is required.${end}`;
  if (Array.isArray(allowed)) return `Must be one of ${allowed.map(String).join(', ')}.${end}`;
  if (isObject(allowed)) {
    const parts = Object.entries(allowed).flatMap(([key, bound]) =>
      bounds[key] ? [`${bounds[key]} ${String(bound)}`] : [],
    );
    if (parts.length > 0 && typeof value === 'number') return `Must be ${parts.join(' and ')}.${end}`;
  }
  const sentence = message[0].toUpperCase() + message.slice(1);
  return `${sentence}${/[.!?]$/.test(sentence) ? '' : '.'}${end}`;
}

/** Where a field is, in words: `students › r20-soft › soft_target › temperature`. */
export function placeText(pointer: string, spec: unknown): string {
  let value: unknown = spec;
  return pointer
    .split('/')
    .slice(1)
    .flatMap((escaped) => {
      const part = escaped.replaceAll('~1', '/').replaceAll('~0', '~');
      value = isObject(value) || Array.isArray(value) ? (value as Record<string, unknown>)[part] : undefined;
      if (part === 'method') return [];
      if (!/^\d+$/.test(part)) return [part];
      const named = isObject(value) ? (value.name ?? value.type) : undefined;
      return [typeof named === 'string' ? named : String(Number(part) + 1)];
    })
    .join(' › ');
}
