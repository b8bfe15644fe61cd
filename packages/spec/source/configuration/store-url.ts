import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';
import { ConfigurationError } from './configuration-error.ts';
import type { ValueType } from './value-types.ts';

/** The URL of a store; `file:` URLs are brought into one form, so that equal stores have equal URLs. */
export function storeUrl(): ValueType<string> {
  const schema = z.string().refine((text) => /^(?!file:)[a-z][a-z0-9+]*:\/\/\S+$|^file:\//.test(text));
  const codec = z.codec(schema, z.string(), {
    decode: (text) => (text.startsWith('file:') ? folderUrl(fileURLToPath(text)) : text),
    encode: (url) => url,
  });
  return { codec, allowed: 'a URL with an absolute path, such as file:/var/lib/distillery/store' };
}

/** The `file:` URL of a folder; a relative path starts at the current folder. */
export function folderUrl(folder: string): string {
  return pathToFileURL(resolve(folder)).href;
}

/**
 * The folder that a `file:` URL names.
 *
 * @throws ConfigurationError for a URL of another kind
 */
export function storeFolder(url: string): string {
  if (url.startsWith('file:')) return fileURLToPath(url);
  throw new ConfigurationError(`STORE is ${JSON.stringify(url)}, it must be a file: URL`);
}
