/** A table as Markdown has it; a `|` within a cell is escaped. A column whose title ends in `:` is one of numbers. */
export function markdownTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
  const rule = titles.map((title) => (title.endsWith(':') ? '--:' : '---'));
  return [
    line(titles.map((title) => title.replace(/:$/, ''))),
    `|${rule.join('|')}|`,
    ...rows.map(line),
  ].join('\n');
}
