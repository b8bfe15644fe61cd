/** Bundles the modules of a package into one file for each export and program, and files with what these share. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { exportedFiles } from './manifest.mjs';

/**
 * Node looks for the names of all exports in the text of a CommonJS module that is imported, a megabyte here, and not in
 * that of one that is required.
 */
const requireTensorFlow = {
  name: 'require TensorFlow.js',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => ({
      loader: 'ts',
      contents: (await readFile(path, 'utf8')).replace(
        /^import \* as tf from ('@tensorflow\/tfjs-core');$/m,
        "import { createRequire } from 'node:module'; const tf = createRequire(import.meta.url)($1);",
      ),
    }));
  },
};

/**
 * Other packages stay imports, those of this repository, too: so all processes and plug-ins of an installation share them.
 *
 * @param folder the package, with its sources
 * @param out receives the files, at the places of the sources
 */
export async function bundle(folder, out, { exports }) {
  const programs = ['./source/main.ts'].filter((path) => existsSync(join(folder, path)));
  await build({
    absWorkingDir: folder,
    entryPoints: [...exportedFiles(exports), ...programs],
    outdir: out,
    outbase: '.',
    chunkNames: 'source/[name]-[hash]',
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    plugins: [requireTensorFlow],
    logLevel: 'warning',
  });
}
