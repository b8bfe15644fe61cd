/** JSON pointers (RFC 6901) into the spec of a job. */

function parsePointer(pointer: string): string[] {
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** A key as a part of a pointer. */
export function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** Whether one pointer is the other one, or leads to something within it. */
export function isWithin(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(`${outer}/`);
}

const forbidden = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Sets a value within a tree of JSON. Objects that are missing on the way are made; an entry of a list must exist.
 *
 * @returns why the pointer leads nowhere; undefined where the value is set
 */
export function setAt(tree: unknown, pointer: string, value: unknown): string | undefined {
  const path = parsePointer(pointer);
  let at = tree as Record<string, unknown> | unknown[];
  for (const [depth, key] of path.entries()) {
    if (forbidden.has(key)) return `${key} is not an option of a job`;
    const where = `/${path.slice(0, depth).map(escapePointer).join('/')}`;
    if (Array.isArray(at) && (!/^(0|[1-9]\d*)$/.test(key) || Number(key) >= at.length)) {
      return `leads nowhere: the list ${where} has ${at.length} ${at.length === 1 ? 'entry' : 'entries'}, counted from 0`;
    }
    const node = at as Record<string, unknown>;
    if (depth === path.length - 1) {
      node[key] = value;
      return undefined;
    }
    const next = Object.hasOwn(node, key) ? node[key] : (node[key] = {});
    if (typeof next !== 'object' || next === null) {
      return `leads nowhere: /${path
        .slice(0, depth + 1)
        .map(escapePointer)
        .join('/')} is ${JSON.stringify(next)}`;
    }
    at = next as typeof at;
  }
  return undefined;
}
