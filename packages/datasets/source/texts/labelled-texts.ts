import { labelReader } from '../rows/labels.ts';
import { recordsOf } from '../rows/records.ts';
import { type RowFault, type RowFile } from '../rows/row-file.ts';

export interface LabelledText {
  text: string;
  label: string;
}

/** Returns a function that yields the labelled texts of a file. */
export function labelledTexts(columns: { text: string; label: string }) {
  return async function* read(
    file: RowFile,
    refuse: (fault: RowFault) => void,
    signal?: AbortSignal,
  ): AsyncGenerator<LabelledText[]> {
    const labelOf = labelReader(file.missingLabels);
    const chosen = [columns.text, columns.label];
    for await (const records of recordsOf(file, () => chosen, signal)) {
      const texts: LabelledText[] = [];
      for (const record of records) {
        if ('reason' in record) {
          refuse(record);
          continue;
        }
        const { name, values } = record;
        const [text, field] = values;
        const found = text.trim() === '' ? { reason: 'the text is empty' } : labelOf(field);
        if ('label' in found) texts.push({ text, label: found.label });
        else refuse({ name, ...found });
      }
      yield texts;
    }
  };
}
