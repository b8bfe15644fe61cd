/** Derives the package.json files of the compiled packages from those of the sources. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Returns every package and app: `{ path: 'packages/spec', manifest }`. */
export function readWorkspaces(root) {
  return ['packages', 'apps'].flatMap((floor) =>
    readdirSync(join(root, floor)).map((folder) => {
      const path = join(floor, folder);
      return { path, manifest: JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8')) };
    }),
  );
}

const without = (object, name) => Object.fromEntries(Object.entries(object).filter(([key]) => key !== name));
const javaScript = (path) => path.replace(/\.ts$/, '.js');
const declarations = (path) => path.replace(/\.ts$/, '.d.ts');
const forTests = (path) => path.includes('/testing/');

/** Returns the target of an export: the compiled file, and its declarations for TypeScript. */
const target = (path) => ({ types: declarations(path), default: javaScript(path) });

function builtExports(exports) {
  if (typeof exports === 'string') return target(exports);
  return Object.fromEntries(shipped(exports).map(([name, path]) => [name, target(path)]));
}

const shipped = (exports) => Object.entries(exports).filter(([, path]) => !forTests(path));

/** Returns the files that a package exports, without those for tests. */
export const exportedFiles = (exports = {}) =>
  typeof exports === 'string' ? [exports] : shipped(exports).map(([, path]) => path);

/** Returns a manifest with compiled files in place of the sources, without development dependencies. */
export function builtManifest({ exports, bin, ...manifest }) {
  return {
    ...without(manifest, 'devDependencies'),
    ...(exports && { exports: builtExports(exports) }),
    ...(bin && {
      bin: Object.fromEntries(Object.entries(bin).map(([name, path]) => [name, javaScript(path)])),
    }),
  };
}

/** Optional for users, because its install script downloads hundreds of megabytes. */
const gpuPackage = '@tensorflow/tfjs-node-gpu';

/**
 * Returns the manifest of a published package. It contains the internal packages that it needs, so that a tarball always
 * has one version; their third-party packages become its dependencies.
 *
 * @param manifest the result of `builtManifest`
 * @param internal the manifests of the internal packages
 */
export function publishedManifest(manifest, internal, { license, engines }) {
  const all = [manifest, ...internal];
  const thirdParty = (kind) =>
    Object.fromEntries(
      all
        .flatMap((one) => Object.entries(one[kind] ?? {}))
        .filter(([name]) => !name.startsWith('@distillery/'))
        .sort(([a], [b]) => a.localeCompare(b, 'en')),
    );
  const own = Object.fromEntries(internal.map(({ name, version }) => [name, version]));
  const { [gpuPackage]: gpu, ...optional } = thirdParty('optionalDependencies');
  return {
    ...without(manifest, 'private'),
    license,
    engines,
    files: ['source'],
    dependencies: { ...own, ...thirdParty('dependencies') },
    ...(Object.keys(optional).length > 0 && { optionalDependencies: optional }),
    ...(gpu && {
      peerDependencies: { [gpuPackage]: gpu },
      peerDependenciesMeta: { [gpuPackage]: { optional: true } },
    }),
    bundleDependencies: Object.keys(own),
  };
}

/** Returns every internal package that `name` needs, directly or through another. */
export function internalNeeds(name, manifests) {
  const found = new Set();
  const visit = (one) => {
    for (const dependency of Object.keys(manifests.get(one).dependencies ?? {})) {
      if (!manifests.has(dependency) || found.has(dependency)) continue;
      found.add(dependency);
      visit(dependency);
    }
  };
  visit(name);
  return [...found].sort((a, b) => a.localeCompare(b, 'en'));
}
