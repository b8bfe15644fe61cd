import type { RowFault } from './row-file.ts';

const longest = 256;

/** Labels that stand for a missing value, as other programs write them. */
export const usualMissing = 'nan NaN NAN None null NULL Null NA N/A n/a <NA> #N/A'.split(' ');

/** Returns a function that trims a label and brings it into Unicode's normal form C, or says what is wrong with it. */
export function labelReader(missingLabels: readonly string[]) {
  const missing = new Set(missingLabels);
  return (field: string): { label: string } | Omit<RowFault, 'name'> => {
    const label = field.trim().normalize('NFC');
    if (label === '') return { reason: 'the label is empty', cause: 'unlabelled' };
    if (missing.has(label))
      return { reason: `the label ${JSON.stringify(label)} stands for a missing value`, cause: 'unlabelled' };
    if (label.length > longest) return { reason: `the label is longer than ${longest} characters` };
    return { label };
  };
}
