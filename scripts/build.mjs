#!/usr/bin/env node
/**
 * Compiles every package and app to JavaScript in `built/`, with the folders of the repository and without tests. Images
 * and the published packages run the result; development runs the sources. The dashboard becomes static files. The modules of a package are bundled into a few
 * files, because loading hundreds of them takes as long as starting the engine.
 *
 *   node scripts/build.mjs [folder]   default: built
 *
 * The folder must be inside the repository, so that the compiled files find its node_modules.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtManifest, readWorkspaces } from './build/manifest.mjs';
import { assetsOf } from './build/assets.mjs';
import { bundle } from './build/bundle.mjs';
import { buildPage } from './build/page.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = resolve(root, process.argv[2] ?? 'built');
if (relative(root, out).startsWith('..')) {
  console.error(`${out} is outside ${root}`);
  process.exit(2);
}

rmSync(out, { recursive: true, force: true });
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const { status } = spawnSync(
  process.execPath,
  [compiler, '--project', 'tsconfig.build.json', '--emitDeclarationOnly', '--outDir', out],
  { cwd: root, stdio: 'inherit' },
);
if (status !== 0) process.exit(status ?? 1);

const links = join(out, 'node_modules', '@distillery');
mkdirSync(links, { recursive: true });
for (const { path, manifest } of readWorkspaces(root)) {
  await bundle(join(root, path), join(out, path), manifest);
  const built = builtManifest(manifest);
  writeFileSync(join(out, path, 'package.json'), `${JSON.stringify(built, undefined, 2)}\n`);
  const isPage = manifest.name === '@distillery/web';
  if (isPage) await buildPage(join(root, path), join(out, path, 'page'));
  for (const asset of isPage ? [] : assetsOf(join(root, path, 'source'))) {
    const target = join(out, path, 'source', asset);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(root, path, 'source', asset), target);
  }
  if (manifest.name === '@distillery/cli') copyExamples(join(out, path, 'examples'));
  for (const program of Object.values(built.bin ?? {})) chmodSync(join(out, path, program), 0o755);
  symlinkSync(join('..', '..', path), join(links, manifest.name.replace('@distillery/', '')));
}

/** Copies the examples from which `distill init` starts. */
function copyExamples(folder) {
  cpSync(join(root, 'examples'), folder, { recursive: true });
}
