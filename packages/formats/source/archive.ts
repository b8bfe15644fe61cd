import { type Zippable, zipSync } from 'fflate';

/**
 * Packs files into a zip archive without compression, as NumPy and PyTorch write theirs: weights hardly compress, and
 * readers can map them into memory. Equal files give equal bytes, because every file has the same date.
 */
export function archiveOf(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  // The earliest date that zip archives can hold, in the time zone that the library writes.
  const options = { level: 0, mtime: new Date(1980, 0, 1) } as const;
  const entries = Object.entries(files).map(([name, bytes]) => [name, [bytes, options]] as const);
  return zipSync(Object.fromEntries(entries) as unknown as Zippable);
}

/** Returns the bytes of a view. */
export function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

export function textBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
