/** The flat list of fields and values of a stream entry, as an object. */
export function entryFields(pairs: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let i = 0; i + 1 < pairs.length; i += 2) fields[pairs[i]] = pairs[i + 1];
  return fields;
}

/** Whether a text has the form of a stream id: milliseconds and a number, joined by a dash. */
export function isStreamId(id: string): boolean {
  return /^\d{1,15}-\d{1,15}$/.test(id);
}
