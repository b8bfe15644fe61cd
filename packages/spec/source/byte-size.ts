const units: Record<string, number> = { '': 1, B: 1 };
for (const [power, letter] of ['K', 'M', 'G', 'T'].entries()) {
  units[`${letter}B`] = 1000 ** (power + 1);
  units[`${letter}iB`] = 1024 ** (power + 1);
}

/** A number of bytes as text: `1000000`, `500 MB` or `1.5 GiB`. */
export const byteSizeForm = /^(\d+(?:\.\d+)?) ?((?:[KMGT]i?)?B|)$/;

/** The bytes that a text of this form stands for; NaN for any other text. */
export function bytesOf(text: string): number {
  const [, number, unit] = byteSizeForm.exec(text) ?? [];
  return Number(number) * units[unit];
}
