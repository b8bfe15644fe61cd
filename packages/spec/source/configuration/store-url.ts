import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';
import type { ValueType } from './value-types.ts';

/**
 * Where a store is. The path of a folder and every `file:` URL become one form, so that equal stores have equal URLs;
 * which other schemes there are is for the store to know.
 */
export function storeUrl(): ValueType<string> {
  const schema = z.string().refine((text) => !/^file:(?!\/)/.test(text) && URL.canParse(urlOf(text)));
  return {
    codec: z.codec(schema, z.string(), { decode: urlOf, encode: (url) => url }),
    allowed: 'a URL with an absolute path, such as file:/var/lib/distillery/store, or the path of a folder',
  };
}

function urlOf(text: string): string {
  if (!/^[a-z][a-z0-9+.-]+:/i.test(text)) return folderUrl(text);
  return text.startsWith('file:/') ? folderUrl(fileURLToPath(text)) : text;
}

/** The `file:` URL of a folder; a relative path starts at the current folder. */
export function folderUrl(folder: string): string {
  return pathToFileURL(resolve(folder)).href;
}
