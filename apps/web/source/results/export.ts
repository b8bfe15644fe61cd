/** A table as files hold it. Numbers keep all their digits. */
export interface PlainTable {
  titles: readonly string[];
  rows: readonly (readonly (string | number | null)[])[];
}

/** CSV after RFC 4180, with a header. Text that a spreadsheet would take for a formula gets an apostrophe. */
export function toCsv({ titles, rows }: PlainTable): string {
  return [titles, ...rows].map((row) => `${row.map(csvField).join(',')}\r\n`).join('');
}

function csvField(value: string | number | null): string {
  if (value === null) return '';
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A table of GitHub's Markdown; columns of numbers are aligned right. */
export function toMarkdown({ titles, rows }: PlainTable): string {
  const isNumber = (value: string | number | null | undefined) =>
    typeof value === 'number' || (typeof value === 'string' && /^[+−-]?[\d.,]+( ± [\d.,]+)?$/.test(value));
  const rules = titles.map((_, column) => (rows.some((row) => isNumber(row[column])) ? '---:' : '---'));
  return [titles, rules, ...rows]
    .map(
      (row) => `| ${row.map((value) => (value === null ? '' : markdownCell(String(value)))).join(' | ')} |\n`,
    )
    .join('');
}

const markdownCell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
