/** Values of fields as text, and back. */

/** What a free field shows: text as it is, other values as JSON. */
export function textOf(value: unknown): string {
  if (value === undefined || value === null) return value === null ? 'null' : '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What a text means in a field that takes several kinds of values: a number, JSON, or the text itself. */
export function freeValue(text: string): unknown {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  if (/^[[{]|^(?:true|false|null)$|^-?\d/.test(trimmed)) {
    try {
      return JSON.parse(trimmed) as unknown;
    } catch {
      return text;
    }
  }
  return trimmed;
}

/** A number; what is none stays text, which the service then names as wrong. */
export function numberValue(text: string): unknown {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  const value = Number(trimmed);
  return Number.isFinite(value) ? value : trimmed;
}

/** A list, separated by commas. */
export function listValue(text: string): unknown {
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  return parts.length === 0 ? undefined : parts.map((part) => numberValue(part));
}

export const listText = (value: unknown): string =>
  Array.isArray(value) ? value.map((one) => textOf(one)).join(', ') : textOf(value);

/** Pairs, as `key=value, key=value`. */
export function pairsValue(text: string): unknown {
  const pairs = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const at = part.indexOf('=');
      return at < 0 ? [part, ''] : [part.slice(0, at).trim(), part.slice(at + 1).trim()];
    });
  return pairs.length === 0 ? undefined : (Object.fromEntries(pairs) as Record<string, string>);
}

export const pairsText = (value: unknown): string =>
  Object.entries((value ?? {}) as Record<string, unknown>)
    .map(([key, one]) => (one === '' ? key : `${key}=${textOf(one)}`))
    .join(', ');
