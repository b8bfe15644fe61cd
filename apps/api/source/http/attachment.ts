/**
 * Returns a `Content-Disposition` header for a file to save. A name with other characters than ASCII has two forms, of which
 * clients that know the second prefer it (RFC 6266, 4.3; RFC 8187).
 *
 * @param name a name without quotes and control characters
 */
export function attachment(name: string): string {
  const ascii = name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^ -~]+/g, '-');
  const plain = `attachment; filename="${ascii}"`;
  if (ascii === name) return plain;
  const encoded = encodeURIComponent(name).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${plain}; filename*=UTF-8''${encoded}`;
}
