/** Renders a Markdown table and escapes `|` in cells. A title that ends in `:` aligns its column right. */
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
