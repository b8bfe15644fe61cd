import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file of the dashboard with its compressed forms, in memory: all of them are smaller than one photograph. */
export interface PageFile {
  mediaType: string;
  /** A strong entity tag of the uncompressed bytes, without quotes. */
  digest: string;
  identity: Buffer;
  gzip: Buffer | undefined;
  br: Buffer | undefined;
}

/** The files of the built dashboard by path, such as `index.html` and `assets/index-C0ffee.js`. */
export type PageFiles = ReadonlyMap<string, PageFile>;

const mediaTypes: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  json: 'application/json',
  md: 'text/markdown; charset=utf-8',
};

/** Reads the built dashboard; undefined when it was not built. */
export async function readPageFiles(folder: URL): Promise<PageFiles | undefined> {
  const root = fileURLToPath(folder);
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const all = new Map(
    await Promise.all(
      paths.map(
        async (path): Promise<[string, Buffer]> => [
          relative(root, path).split(sep).join('/'),
          await readFile(path),
        ],
      ),
    ),
  );
  const files = new Map<string, PageFile>();
  for (const [path, identity] of all) {
    const mediaType = mediaTypes[/\.(\w+)$/.exec(path)?.[1] ?? ''];
    if (mediaType === undefined) continue;
    const digest = createHash('sha256').update(identity).digest('hex').slice(0, 32);
    files.set(path, { mediaType, digest, identity, gzip: all.get(`${path}.gz`), br: all.get(`${path}.br`) });
  }
  return files.has('index.html') ? files : undefined;
}
