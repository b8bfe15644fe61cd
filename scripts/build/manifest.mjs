/** package.json files of the compiled tree, derived from those of the sources. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** @returns each package and app: `{ path: 'packages/spec', manifest }` */
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

/** What serves one export: the compiled file, and its declarations for TypeScript. */
const target = (path) => ({ types: declarations(path), default: javaScript(path) });

function builtExports(exports) {
  if (typeof exports === 'string') return target(exports);
  const shipped = Object.entries(exports).filter(([, path]) => !forTests(path));
  return Object.fromEntries(shipped.map(([name, path]) => [name, target(path)]));
}

/** The manifest with compiled files in place of the sources, without what only development needs. */
export function builtManifest({ exports, bin, ...manifest }) {
  return {
    ...without(manifest, 'devDependencies'),
    ...(exports && { exports: builtExports(exports) }),
    ...(bin && {
      bin: Object.fromEntries(Object.entries(bin).map(([name, path]) => [name, javaScript(path)])),
    }),
  };
}

/** Its install script downloads hundreds of megabytes, so only a person who wants it installs it. */
const gpuPackage = '@tensorflow/tfjs-node-gpu';

/**
 * The manifest of a package that is published. The internal packages that it needs travel inside it, so one tarball
 * is always of one version; their third-party packages become its own dependencies.
 *
 * @param manifest as `builtManifest` returns it
 * @param internal manifests of the packages that travel inside
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

/** Every internal package that `name` needs, directly or through another. */
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
