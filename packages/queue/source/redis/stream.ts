/** The flat list of fields and values of a stream entry, as an object. */
export function entryFields(pairs: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let i = 0; i + 1 < pairs.length; i += 2) fields[pairs[i]] = pairs[i + 1];
  return fields;
}

/** Whether the first of two stream ids is the later one; '' is before every id. */
export function isLaterId(id: string, other: string): boolean {
  const parts = (text: string) => (text === '' ? [-1, 0] : text.split('-').map(Number));
  const [[time, count], [otherTime, otherCount]] = [parts(id), parts(other)];
  return time === otherTime ? count > otherCount : time > otherTime;
}

/** The greatest id before another one. */
export function idBefore(id: string): string {
  const [time, count] = id.split('-').map(Number);
  return count > 0 ? `${time}-${count - 1}` : `${Math.max(0, time - 1)}-999999999999999`;
}

/** Whether a text has the form of a stream id: milliseconds and a number, joined by a dash. */
export function isStreamId(id: string): boolean {
  return /^\d{1,15}-\d{1,15}$/.test(id);
}
