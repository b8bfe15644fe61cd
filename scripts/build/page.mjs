/** Builds the dashboard: static files, each also compressed, so that the API compresses none of them at run time. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

/**
 * @param folder the sources, apps/web
 * @param out receives the files; it is emptied first
 */
export async function buildPage(folder, out) {
  // Imported late: images without development packages set up without it.
  const { build } = await import('vite');
  await build({
    configFile: join(folder, 'vite.config.ts'),
    logLevel: 'warn',
    build: { outDir: out, emptyOutDir: true },
  });
  const files = await readdir(out, { recursive: true, withFileTypes: true });
  const texts = files.filter((entry) => entry.isFile() && /\.(html|js|css|svg)$/.test(entry.name));
  await Promise.all(texts.map((entry) => compress(join(entry.parentPath, entry.name))));
}

async function compress(path) {
  const text = await readFile(path);
  const params = { [constants.BROTLI_PARAM_SIZE_HINT]: text.length };
  await writeFile(`${path}.gz`, await promisify(gzip)(text, { level: 9 }));
  await writeFile(`${path}.br`, await promisify(brotliCompress)(text, { params }));
}
