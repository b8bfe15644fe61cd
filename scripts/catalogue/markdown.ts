/** Marks text as inline code. */
export function code(text: string): string {
  return `\`${text}\``;
}

/** Links a reference by its arXiv id, `[arXiv:1503.02531](…)`, or by the host of the page. */
export function link(reference: string): string {
  const [, id] = /arxiv\.org\/abs\/([\d.]+)/.exec(reference) ?? [];
  const name = id === undefined ? new URL(reference).host.replace(/^(www|docs)\./, '') : `arXiv:${id}`;
  return `[${name}](${reference})`;
}
