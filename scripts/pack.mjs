#!/usr/bin/env node
/**
 * Packs the published packages, `@distillery/client` and `@distillery/cli`, from the output of `npm run build`.
 *
 *   node scripts/pack.mjs [folder [output]]   default: built, and <folder>/published for the tarballs
 *
 * The sources stay `private`, so that they are not published by mistake. The two contain the internal packages
 * (bundleDependencies), which are no public interface; so a trainer never runs with a queue of another version.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { internalNeeds, publishedManifest, readWorkspaces } from './build/manifest.mjs';

const published = ['@distillery/client', '@distillery/cli'];

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const built = resolve(root, process.argv[2] ?? 'built');
const out = resolve(process.argv[3] ?? join(built, 'published'));
const product = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const workspaces = readWorkspaces(built);
const manifests = new Map(workspaces.map(({ manifest }) => [manifest.name, manifest]));
const folderOf = (name) => join(built, workspaces.find(({ manifest }) => manifest.name === name).path);

rmSync(out, { recursive: true, force: true });
for (const name of published) {
  const folder = join(out, name.replace('@distillery/', ''));
  const internal = internalNeeds(name, manifests);
  cpSync(folderOf(name), folder, { recursive: true });
  for (const one of internal) cpSync(folderOf(one), join(folder, 'node_modules', one), { recursive: true });
  const manifest = publishedManifest(
    manifests.get(name),
    internal.map((one) => manifests.get(one)),
    product,
  );
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  const tarball = execFileSync('npm', ['pack', '--silent', '--pack-destination', out], {
    cwd: folder,
    encoding: 'utf8',
  });
  console.log(join(out, tarball.trim()));
}
