/**
 * A whole number that somebody has typed: an environment variable, an option of a command.
 *
 * @param text empty or undefined: not set
 * @throws RangeError naming the setting, what it is and what it must be
 */
export function wholeNumber(
  name: string,
  text: string | undefined,
  { least = 1, most = Number.MAX_SAFE_INTEGER }: { least?: number; most?: number } = {},
): number | undefined {
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new RangeError(`${name} is ${JSON.stringify(text)}, it must be a whole number ${range}`);
}
