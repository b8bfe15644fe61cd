import { stripVTControlCharacters, styleText } from 'node:util';

export interface Column {
  title: string;
  align?: 'left' | 'right';
  /** Whether its cells must stay in one line, so that people can copy them; default false, and true of numbers. */
  whole?: boolean;
}

/** Spaces before a table and between two columns. */
const INDENT = 2;
const GAP = 2;
/** The greatest width of a word that is not broken. */
const WORD = 16;

/**
 * Renders a table with a bold head, a rule and rows. Titles take several lines rather than widen their columns. If the
 * table is still wider than the terminal, the widest columns of text are narrowed, and their cells take several lines.
 *
 * @param width columns of the terminal
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width = process.stdout.columns ?? 80,
): string {
  const widths = columns.map(({ title }, i) =>
    Math.max(titleWidth(title), ...rows.map((row) => visible(row[i]))),
  );
  const least = columns.map((_, i) => Math.max(...rows.map((row) => longestWord(row[i])), 1));
  narrow(widths, least, columns, width);
  const render = (cells: readonly string[], atBottom = false) => {
    const wrapped = cells.map((cell, i) => (visible(cell) <= widths[i] ? [cell] : wrap(cell, widths[i])));
    const height = Math.max(...wrapped.map((lines) => lines.length));
    return Array.from({ length: height }, (_, line) =>
      wrapped
        .map((lines, i) =>
          padded(lines[atBottom ? line - height + lines.length : line] ?? '', widths[i], columns[i].align),
        )
        .join(' '.repeat(GAP))
        .trimEnd(),
    );
  };
  const head = render(
    columns.map(({ title }) => title),
    true,
  );
  const rule = '─'.repeat(widths.reduce((sum, one) => sum + one + GAP, -GAP));
  return [
    ...head.map((line) => styleText('bold', line)),
    styleText('dim', rule),
    ...rows.flatMap((row) => render(row)),
  ]
    .map((line) => ' '.repeat(INDENT) + line)
    .join('\n');
}

/** Narrows the widest columns of text until the table fits, or until they are as narrow as their words. */
function narrow(widths: number[], least: readonly number[], columns: readonly Column[], width: number): void {
  const total = () => widths.reduce((sum, one) => sum + one + GAP, INDENT - GAP);
  while (total() > width) {
    const texts = widths.map((one, i) =>
      columns[i].align === 'right' || columns[i].whole || one <= least[i] ? 0 : one,
    );
    const widest = Math.max(...texts);
    if (widest === 0) return;
    widths[texts.indexOf(widest)]--;
  }
}

/** The least width at which a title takes at most two lines. */
function titleWidth(title: string): number {
  let width = Math.ceil(title.length / 2);
  while (wrap(title, width).length > 2) width++;
  return Math.max(width, ...title.split(' ').map((word) => word.length));
}

/** Breaks a text at spaces, and inside words that are longer than the width. Styles are lost. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of stripVTControlCharacters(text).split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (longer.length <= width) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    line = word;
    for (; line.length > width; line = line.slice(width)) lines.push(line.slice(0, width));
  }
  return [...lines, line];
}

function padded(text: string, width: number, align: Column['align']): string {
  const space = ' '.repeat(width - visible(text));
  return align === 'right' ? space + text : text + space;
}

function longestWord(text: string): number {
  const words = stripVTControlCharacters(text).split(' ');
  return Math.min(WORD, Math.max(...words.map((word) => word.length)));
}

/** Returns the columns that a text takes on a terminal. */
export function visible(text: string): number {
  return stripVTControlCharacters(text).length;
}
