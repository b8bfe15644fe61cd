import { stripVTControlCharacters, styleText } from 'node:util';

export interface Column {
  title: string;
  align?: 'left' | 'right';
}

/** Renders a table with a bold head, a rule and rows; each column has the width of its widest cell. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map(({ title }, i) => Math.max(title.length, ...rows.map((row) => visible(row[i]))));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => {
        const space = ' '.repeat(widths[i] - visible(cell));
        return columns[i].align === 'right' ? space + cell : cell + space;
      })
      .join('   ')
      .trimEnd();
  const head = line(columns.map(({ title }) => title));
  const rule = widths.map((width) => '─'.repeat(width)).join('───');
  return [styleText('bold', head), styleText('dim', rule), ...rows.map(line)]
    .map((text) => `  ${text}`)
    .join('\n');
}

function visible(text: string): number {
  return stripVTControlCharacters(text).length;
}
