/** `npm ci`, when node_modules is missing or holds something else than package-lock.json asks for. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock.mjs';
import { run } from './shell.mjs';

const modified = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** What a finished `npm ci` depends on. */
function fingerprint(root) {
  const hash = createHash('sha256');
  for (const name of ['package-lock.json', '.npmrc']) {
    const path = join(root, name);
    hash.update(`${name}\n`).update(existsSync(path) ? readFileSync(path) : '');
  }
  return hash.digest('hex');
}

/**
 * Does the tree that npm recorded in node_modules hold every package of the lock file, at its version?
 * This is what tells an `npm install` made by hand from a stale tree. Packages for other platforms are
 * optional and rightly absent; development packages are, where the person asked npm to omit them.
 */
function treeMatches(root) {
  const recorded = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(recorded)) return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages ?? {};
  const present = JSON.parse(readFileSync(recorded, 'utf8')).packages ?? {};
  const omitDevelopment = /\bdev\b/.test(process.env.NPM_CONFIG_OMIT ?? process.env.npm_config_omit ?? '');
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const found = present[path];
    if (!found) return entry.optional || entry.devOptional || (omitDevelopment && entry.dev) || false;
    return found.version === entry.version && found.resolved === entry.resolved;
  });
}

/** @returns why node_modules must be made anew, or undefined */
function reasonToInstall(root, stamp) {
  if (!existsSync(join(root, 'node_modules'))) return 'node_modules is missing';
  const stamped = existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint(root);
  // A tree that changed after our stamp is someone's `npm install`: look again.
  const touched = modified(join(root, 'node_modules', '.package-lock.json')) > modified(stamp);
  if (stamped && !touched) return undefined;
  if (!treeMatches(root)) return 'node_modules does not match package-lock.json';
  writeFileSync(stamp, fingerprint(root));
  return undefined;
}

/**
 * A lock file that lacks the builds of some tool for other platforms is refused by `npm ci` on every
 * machine (scripts/setup/complete-lock.mjs mends it for good). `npm install` takes the same versions from
 * it, and `--no-save` leaves it as it is.
 */
async function install(root, say) {
  const options = ['--no-audit', '--no-fund', '--loglevel=error'];
  try {
    await run('npm', ['ci', ...options], { cwd: root });
    return 'installed with npm ci';
  } catch (error) {
    if (!error.message.includes('in sync')) throw error;
    const missing = error.message
      .split('\n')
      .find((line) => line.includes('Missing:') || line.includes('Invalid:'));
    say('npm ci refused package-lock.json as out of step; npm install --no-save instead');
    await run('npm', ['install', '--no-save', ...options], { cwd: root });
    return `installed with npm install: package-lock.json is not complete (${missing ?? 'npm ci says why'})`;
  }
}

export async function preparePackages(root, say) {
  const stamp = join(root, 'node_modules', '.distillery-setup');
  if (!existsSync(join(root, 'package-lock.json'))) throw new Error('package-lock.json is missing');
  if (!reasonToInstall(root, stamp)) return 'up to date';
  const name = createHash('sha256').update(root).digest('hex').slice(0, 12);
  return withLock(`packages-${name}`, async () => {
    const reason = reasonToInstall(root, stamp);
    if (!reason) return 'up to date (made by another set-up just now)';
    say(`npm ci: ${reason}`);
    const outcome = await install(root, say);
    writeFileSync(stamp, fingerprint(root));
    return outcome;
  });
}
