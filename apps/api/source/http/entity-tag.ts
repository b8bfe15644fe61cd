import type { JobNow } from '@distillery/queue';

/** The entity tag of a job's view. What a job waits for also depends on other jobs, so it is a part of the tag. */
export function jobTag({ view: { waitingFor, etaSeconds }, version }: JobNow): string {
  return `"${[version, waitingFor, etaSeconds].filter((part) => part !== null).join('.')}"`;
}

/** Returns whether an `If-Match` header, if there is one, names the strong tag (RFC 9110, 13.1.1). */
export function matches(header: string | undefined, tag: string): boolean {
  return header === undefined || header.trim() === '*' || header.split(',').some((one) => one.trim() === tag);
}

/** Returns whether an `If-None-Match` header does not name the tag, ignoring `W/` (RFC 9110, 13.1.2). */
export function noneMatch(header: string | undefined, tag: string): boolean {
  if (header === undefined) return true;
  const bare = (one: string) => one.trim().replace(/^W\//, '');
  return header.trim() !== '*' && !header.split(',').some((one) => bare(one) === bare(tag));
}
