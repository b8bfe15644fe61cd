/** A table; a `|` within a cell is escaped. Columns of numbers are named with a `:` at their end. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = titles.map((title) => (title.endsWith(':') ? '--:' : '---'));
  return [
    line(titles.map((title) => title.replace(/:$/, ''))),
    `|${rule.join('|')}|`,
    ...rows.map(line),
  ].join('\n');
}

export function code(text: string): string {
  return `\`${text}\``;
}

/** `arXiv:1503.02531`, or the host of another page. */
export function link(reference: string): string {
  const [, id] = /arxiv\.org\/abs\/([\d.]+)/.exec(reference) ?? [];
  const name = id === undefined ? new URL(reference).host.replace(/^(www|docs)\./, '') : `arXiv:${id}`;
  return `[${name}](${reference})`;
}
