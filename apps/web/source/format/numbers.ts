/** Numbers as people read them: a true minus sign, commas between thousands, an en dash for nothing. */

export const nothing = '–';
const minus = '−';

/** A number with a fixed number of decimals; an en dash for null. */
export function number(value: number | null | undefined, decimals = 0): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return nothing;
  const text = Math.abs(value).toLocaleString('en-US', {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
  // What rounds to zero has no sign.
  return value < 0 && /[1-9]/.test(text) ? minus + text : text;
}

/** As `number`, with a plus sign before what is above zero. */
export function signed(value: number | null | undefined, decimals = 2): string {
  const text = number(value, decimals);
  return value !== null && value !== undefined && value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

/** A share of 0 to 1 in percent, without the sign: 0.9231 is `92.31`. */
export const percent = (share: number | null | undefined, decimals = 2): string =>
  number(share === null || share === undefined ? share : share * 100, decimals);

/** A difference of two shares in points of percent: 0.0093 is `+0.93`. */
export const points = (difference: number | null | undefined, decimals = 2): string =>
  signed(difference === null || difference === undefined ? difference : difference * 100, decimals);

/** A number with three significant digits, for values whose size is not known: 0.000123, 1.23, 12,300. */
export function significant(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return nothing;
  const text = Math.abs(value).toLocaleString('en-US', { maximumSignificantDigits: digits });
  return value < 0 && /[1-9]/.test(text) ? minus + text : text;
}

const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];

/** Bytes in units of 1000: 1,100,000 is `1.10 MB`. */
export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return nothing;
  let unit = 0;
  let rest = value;
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= 1000;
    unit++;
  }
  const decimals = unit === 0 ? 0 : rest < 10 ? 2 : rest < 100 ? 1 : 0;
  return `${number(rest, decimals)} ${units[unit]}`;
}

/** A count with its noun: `1 job`, `2 jobs`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${number(count)} ${count === 1 ? one : many}`;
