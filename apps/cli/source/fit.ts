import { visible } from './table.ts';

/** A part of a line, and how soon it is left out: 0 is never left out, the highest rank first. */
export interface Part {
  text: string;
  rank: number;
}

/** Joins the parts that are not empty; those that matter less are left out until the line fits. */
export function fitting(parts: readonly Part[], width: number): string {
  const shown = parts.filter(({ text }) => text !== '');
  const line = shown.map(({ text }) => text).join('  ');
  const last = Math.max(...shown.map(({ rank }) => rank));
  if (shown.length <= 1 || last === 0 || visible(line) <= width) return line;
  return fitting(
    shown.filter(({ rank }) => rank !== last),
    width,
  );
}

const escapeSequence = new RegExp(`(${String.fromCharCode(27)}\\[[0-9;]*m)`);

/** Cuts a line at a width; escape sequences have no width. */
export function cut(text: string, width: number): string {
  if (visible(text) <= width) return text;
  let left = width - 1;
  let result = '';
  for (const part of text.split(escapeSequence)) {
    if (escapeSequence.test(part)) {
      result += part;
      continue;
    }
    result += part.slice(0, Math.max(0, left));
    if (part.length > left && left >= 0) result += '…';
    left = part.length > left ? -1 : left - part.length;
  }
  return result;
}
