/** A value as JSON writes it; a text without its quotes, and empty for none. Undefined for lists, objects and bytes. */
export function writtenValue(value: unknown): string | undefined {
  if (value === undefined || value === null) return '';
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object') return undefined;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
