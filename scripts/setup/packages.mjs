/** Runs `npm ci` when node_modules is missing or differs from package-lock.json. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock.mjs';
import { run } from './shell.mjs';

const modified = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Returns a digest of the files that `npm ci` depends on. */
function fingerprint(root) {
  const hash = createHash('sha256');
  for (const name of ['package-lock.json', '.npmrc']) {
    const path = join(root, name);
    hash.update(`${name}\n`).update(existsSync(path) ? readFileSync(path) : '');
  }
  return hash.digest('hex');
}

/**
 * Returns whether node_modules, as npm recorded it, has every package of the lock file in its version. So a manual
 * `npm install` is not mistaken for a stale tree. Packages for other platforms are optional and may be absent, as may
 * development packages if npm was asked to omit them.
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

/** Returns why node_modules must be installed again, or undefined. */
function reasonToInstall(root, stamp) {
  if (!existsSync(join(root, 'node_modules'))) return 'node_modules is missing';
  const stamped = existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint(root);
  // A tree that is newer than the stamp is from a manual `npm install`: compare it again.
  const touched = modified(join(root, 'node_modules', '.package-lock.json')) > modified(stamp);
  if (stamped && !touched) return undefined;
  if (!treeMatches(root)) return 'node_modules does not match package-lock.json';
  writeFileSync(stamp, fingerprint(root));
  return undefined;
}

/**
 * Runs `npm ci`, or `npm install --no-save` if the lock file lacks builds of a tool for other platforms: `npm ci` refuses
 * such a file, and `npm install` uses its versions without changing it. scripts/setup/complete-lock.mjs repairs the file.
 */
async function install(root, print) {
  const options = ['--no-audit', '--no-fund', '--loglevel=error'];
  try {
    await run('npm', ['ci', ...options], { cwd: root });
    return 'installed with npm ci';
  } catch (error) {
    if (!error.message.includes('in sync')) throw error;
    const missing = error.message
      .split('\n')
      .find((line) => line.includes('Missing:') || line.includes('Invalid:'));
    print('npm ci refused package-lock.json as incomplete; running npm install --no-save');
    await run('npm', ['install', '--no-save', ...options], { cwd: root });
    return `installed with npm install: package-lock.json is not complete (${missing ?? 'see npm ci'})`;
  }
}

export async function preparePackages(root, print) {
  const stamp = join(root, 'node_modules', '.distillery-setup');
  if (!existsSync(join(root, 'package-lock.json'))) throw new Error('package-lock.json is missing');
  if (!reasonToInstall(root, stamp)) return 'up to date';
  const name = createHash('sha256').update(root).digest('hex').slice(0, 12);
  return withLock(`packages-${name}`, async () => {
    const reason = reasonToInstall(root, stamp);
    if (!reason) return 'up to date (installed by another setup just now)';
    print(`npm ci: ${reason}`);
    const outcome = await install(root, print);
    writeFileSync(stamp, fingerprint(root));
    return outcome;
  });
}
