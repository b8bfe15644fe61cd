/** Gives the person a file that the page made. */
export function saveFile(content: Blob | string, name: string, type = 'text/plain'): void {
  const blob = typeof content === 'string' ? new Blob([content], { type: `${type};charset=utf-8` }) : content;
  const address = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The browser reads the address when it starts the download, which is after this function.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** Letters, digits and dashes of a name, for a file. */
export const fileName = (...parts: readonly string[]): string =>
  parts
    .map((part) => part.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-').replaceAll(/^-+|-+$/g, ''))
    .filter((part) => part !== '')
    .join('-');
