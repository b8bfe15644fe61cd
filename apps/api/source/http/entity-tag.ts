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
