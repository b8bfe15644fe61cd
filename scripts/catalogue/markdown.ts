export function code(text: string): string {
  return `\`${text}\``;
}

/** `[arXiv:1503.02531](…)`, or the host of another page. */
export function link(reference: string): string {
  const [, id] = /arxiv\.org\/abs\/([\d.]+)/.exec(reference) ?? [];
  const name = id === undefined ? new URL(reference).host.replace(/^(www|docs)\./, '') : `arXiv:${id}`;
  return `[${name}](${reference})`;
}
