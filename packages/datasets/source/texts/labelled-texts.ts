import { labelReader } from '../rows/labels.ts';
import { recordsOf } from '../rows/records.ts';
import { type RowFault, type RowFile } from '../rows/row-file.ts';

export interface LabelledText {
  text: string;
  /** The second text of a pair. */
  second?: string;
  label: string;
}

/**
 * Returns a function that yields the labelled texts of a file.
 *
 * @param columns those of the text, of the second text of pairs, and of the label
 */
export function labelledTexts(columns: { text: string; pair?: string | undefined; label: string }) {
  return async function* read(
    file: RowFile,
    refuse: (fault: RowFault) => void,
    signal?: AbortSignal,
  ): AsyncGenerator<LabelledText[]> {
    const labelOf = labelReader(file.missingLabels);
    const chosen = [columns.text, columns.label, ...(columns.pair === undefined ? [] : [columns.pair])];
    for await (const records of recordsOf(file, () => chosen, signal)) {
      const texts: LabelledText[] = [];
      for (const record of records) {
        if ('reason' in record) {
          refuse(record);
          continue;
        }
        const { name, values } = record;
        const [text, field, second] = values;
        const empty = [text, second].some((part) => part?.trim() === '');
        const found = empty ? { reason: 'the text is empty' } : labelOf(field);
        if (!('label' in found)) refuse({ name, ...found });
        else texts.push({ text, ...(second !== undefined && { second }), label: found.label });
      }
      yield texts;
    }
  };
}
