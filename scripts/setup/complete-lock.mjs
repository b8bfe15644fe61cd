#!/usr/bin/env node
/**
 * Completes package-lock.json after an `npm install` from a registry that does not serve the builds of native tools for
 * other platforms. npm leaves those optional packages out of the lock file, and `npm ci` then refuses the file on every
 * machine ("Missing: … from lock file").
 *
 *   node scripts/setup/complete-lock.mjs [folder]
 *
 * Each missing package is added with the exact version that its parent needs and the platform in its name. Its integrity
 * is unknown here: npm adds it where it can reach the package.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const systems = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const processors = [
  'arm',
  'arm64',
  'ia32',
  'loong64',
  'mips64el',
  'ppc64',
  'riscv64',
  's390x',
  'wasm32',
  'x64',
];

/** `@oxlint/binding-linux-arm64-musl` → linux, arm64, musl. Undefined without a platform in the name. */
function platformOf(name) {
  const words = name.split(/[/-]/);
  const cpu = processors.filter((word) => words.includes(word));
  const os = systems.filter((word) => words.includes(word));
  if (cpu.length !== 1 || (os.length !== 1 && cpu[0] !== 'wasm32')) return undefined;
  const libc = words.some((word) => word.startsWith('musl'))
    ? ['musl']
    : words.some((word) => word.startsWith('gnu'))
      ? ['glibc']
      : undefined;
  return { cpu, ...(libc && { libc }), ...(os.length > 0 && { os }) };
}

/** Returns whether `parent` finds the package in the lock file: beside it or in any folder above. */
function isLocked(packages, parent, name) {
  for (let folder = parent; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    if (packages[folder ? `${folder}/node_modules/${name}` : `node_modules/${name}`]) return true;
    if (folder === '') return false;
    if (!folder.includes('/node_modules/')) return packages[`node_modules/${name}`] !== undefined;
  }
}

const path = join(process.argv[2] ?? '.', 'package-lock.json');
const lock = JSON.parse(readFileSync(path, 'utf8'));
const added = [];
for (const [parent, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isLocked(lock.packages, parent, name)) continue;
    const platform = platformOf(name);
    if (!platform || !/^\d+\.\d+\.\d+/.test(version)) {
      console.warn(`skipped: ${name}@${version} (its name has no platform, or its version is a range)`);
      continue;
    }
    const { cpu, ...rest } = platform;
    lock.packages[`node_modules/${name}`] = {
      version,
      cpu,
      ...(entry.dev && { dev: true }),
      optional: true,
      ...rest,
    };
    added.push(`${name}@${version}`);
  }
}
// The order of npm, so that its next write moves no entries.
const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
lock.packages = Object.fromEntries(sorted);
if (added.length > 0) writeFileSync(path, `${JSON.stringify(lock, undefined, 2)}\n`);
console.log(`${path}: ${added.length} packages for other platforms added`);
