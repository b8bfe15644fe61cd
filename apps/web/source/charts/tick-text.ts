const minus = '−';
const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** The labels of the ticks of one axis, with as many decimals as the finest of them needs. */
export function tickTexts(ticks: readonly number[], { plus = false } = {}): string[] {
  const decimals = Math.max(0, ...ticks.map(decimalsOf));
  return ticks.map((tick) => {
    const text = Math.abs(tick).toLocaleString('en-US', {
      minimumFractionDigits: decimals,
      maximumFractionDigits: decimals,
    });
    const sign = tick < 0 ? minus : plus && tick > 0 ? '+' : '';
    return tick === 0 ? '0' : sign + text;
  });
}

/** The labels of a logarithmic axis, each with the decimals that it needs itself. */
export const logTickTexts = (ticks: readonly number[]): string[] =>
  ticks.map((tick) =>
    tick >= 1e-4 && tick < 1e6
      ? tick.toLocaleString('en-US', { maximumSignificantDigits: 6 })
      : powerOfTen(Math.round(Math.log10(tick)), tick),
  );

function powerOfTen(power: number, value: number): string {
  const mantissa = value / 10 ** power;
  const text = superscript(power);
  return Math.abs(mantissa - 1) < 1e-6 ? `10${text}` : `${Number(mantissa.toPrecision(3))}×10${text}`;
}

function superscript(power: number): string {
  const digits = String(Math.abs(power)).replaceAll(/\d/g, (digit) => superscripts[Number(digit)]);
  return power < 0 ? `⁻${digits}` : digits;
}

function decimalsOf(value: number): number {
  const text = String(Number(value.toPrecision(10)));
  const [mantissa = '', exponent] = text.split('e');
  const own = mantissa.split('.')[1]?.length ?? 0;
  return Math.max(0, own - Number(exponent ?? 0));
}

/** What an axis with very small or large values is divided by, so that its labels stay short, and how its title says so. */
export function axisFactor(largest: number): { factor: number; words: string } {
  const power = largest === 0 ? 0 : Math.floor(Math.log10(Math.abs(largest)) + 1e-9);
  if (power >= -2 && power < 5) return { factor: 1, words: '' };
  const rounded = Math.floor(power / 3) * 3;
  return { factor: 10 ** rounded, words: `, ×10${superscript(rounded)}` };
}
