/** Builds the dashboard of a checkout into apps/web/page, from where the API serves it, when its sources have changed. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildPage } from '../build/page.mjs';
import { withLock } from './lock.mjs';

/** Returns a digest of every file that the page is built from. */
function sourceDigest(root) {
  const hash = createHash('sha256');
  const add = (path) => hash.update(`${path}\0`).update(readFileSync(join(root, path)));
  for (const path of ['package-lock.json', 'scripts/build/page.mjs']) add(path);
  for (const folder of ['apps/web', 'examples']) {
    const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
    const paths = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
      .filter((path) => !/node_modules|^apps\/web\/page\/|\.test\.tsx?$/.test(path));
    for (const path of paths.sort()) add(path);
  }
  return hash.digest('hex');
}

export async function preparePage(root, print) {
  const folder = join(root, 'apps', 'web');
  const out = join(folder, 'page');
  const stamp = join(out, '.sources');
  // The image takes the page from its build, and installs the packages of manifests alone.
  if (!existsSync(join(folder, 'index.html'))) return 'skipped: the sources of the dashboard are not here';
  const digest = sourceDigest(root);
  const upToDate = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === digest;
  if (upToDate()) return 'up to date';
  const name = createHash('sha256').update(root).digest('hex').slice(0, 12);
  return withLock(`page-${name}`, async () => {
    if (upToDate()) return 'up to date (built by another setup just now)';
    print('building the dashboard');
    await buildPage(folder, out);
    writeFileSync(stamp, digest);
    return 'built apps/web/page';
  });
}
