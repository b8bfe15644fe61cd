/**
 * Returns a URL as people and logs may see it: without user, password, query and fragment, any of which may be a secret.
 *
 * @returns undefined for what is no URL
 */
export function shownUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, host, pathname, search } = new URL(text);
  return `${protocol}//${host}${pathname}${search === '' ? '' : '?…'}`;
}
