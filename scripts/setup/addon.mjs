/** Builds the native addon against libtensorflow, in a folder of the cache that is either complete or absent. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { aptInstall, canAptInstall, run, which } from './shell.mjs';
import { fetchTensorflow } from './wheel.mjs';

/** Graph functions and kernels, which the package's own sources lack. */
const kernels = join(import.meta.dirname, 'kernels');
const additions = [
  join(import.meta.dirname, 'functions.cc'),
  ...readdirSync(kernels)
    .sort()
    .map((name) => join(kernels, name)),
];

/** Returns a digest of what this project adds to the addon. */
export function additionsDigest() {
  const hash = createHash('sha256');
  for (const file of additions) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 8);
}

async function requireCompiler(print) {
  if (which('g++')) return;
  if (!canAptInstall()) throw new Error('g++, which compiles the addon, is not installed');
  // g++ only recommends libc6-dev, but needs it.
  await aptInstall(['g++', 'libc6-dev'], print);
}

/** Returns a folder with node_api.h: that of the pinned npm package, or else that of this Node. */
function nodeHeaders(root) {
  const found = [
    join(root, 'node_modules', 'node-api-headers', 'include'),
    join(dirname(dirname(process.execPath)), 'include', 'node'),
  ].find((folder) => existsSync(join(folder, 'node_api.h')));
  if (!found) throw new Error('node_api.h is missing: add the npm package node-api-headers');
  return found;
}

/** Arranges deps/ as the linker options of the package expect it. */
function arrange(folder) {
  const library = join(folder, 'deps', 'lib');
  mkdirSync(library, { recursive: true });
  renameSync(join(folder, 'tensorflow', 'include'), join(folder, 'deps', 'include'));
  for (const [file, name] of [
    ['libtensorflow_cc.so.2', 'libtensorflow.so'],
    ['libtensorflow_framework.so.2', 'libtensorflow_framework.so'],
  ]) {
    renameSync(join(folder, 'tensorflow', file), join(library, file));
    symlinkSync(file, join(library, name));
  }
  rmSync(join(folder, 'tensorflow'), { recursive: true });
  for (const name of readdirSync(folder)) {
    if (name.endsWith('.dist-info')) rmSync(join(folder, name), { recursive: true });
  }
  if (existsSync(join(folder, 'nvidia'))) linkCuda(folder, library);
}

/**
 * TensorFlow opens the CUDA libraries by name in its own folder ($ORIGIN), so each gets a link there. They also stay in
 * nvidia/<library>/lib, where they look for each other.
 */
function linkCuda(folder, library) {
  renameSync(join(folder, 'nvidia'), join(folder, 'deps', 'nvidia'));
  for (const part of readdirSync(join(folder, 'deps', 'nvidia'))) {
    const shared = join(folder, 'deps', 'nvidia', part, 'lib');
    if (!existsSync(shared)) continue;
    for (const name of readdirSync(shared)) {
      if (!name.includes('.so')) continue;
      symlinkSync(join(relative(library, shared), name), join(library, name));
      // The loader also needs the name without a version: libcudnn.so beside libcudnn.so.9.
      const bare = join(library, name.replace(/\.so.*/, '.so'));
      if (!existsSync(bare)) symlinkSync(name, bare);
    }
  }
  const assembler = join(folder, 'deps', 'nvidia', 'cuda_nvcc', 'bin', 'ptxas');
  if (existsSync(assembler)) chmodSync(assembler, 0o755); // Unpacking a zip loses the mode of a file.
}

/**
 * Links the libraries and headers of an earlier build that differs only in what this project adds to the addon, whose digest
 * ends the folder's name.
 *
 * @returns whether there was one
 */
async function linkLibraries(target, folder) {
  const [parent, name] = [dirname(target), basename(target)];
  const same = name.slice(0, name.lastIndexOf('-') + 1);
  const earlier = readdirSync(parent).find(
    (other) =>
      other.startsWith(same) &&
      existsSync(join(parent, other, 'checked')) &&
      existsSync(join(parent, other, 'deps', 'include')),
  );
  if (earlier === undefined) return false;
  await run('cp', ['-a', '--link', join(parent, earlier, 'deps'), join(folder, 'deps')]);
  return true;
}

async function compile(folder, source, headers) {
  const output = join(folder, 'lib', 'napi-v8');
  mkdirSync(output, { recursive: true });
  const binding = join(source, 'binding');
  // functions.cc includes the package's entry point.
  const sources = readdirSync(binding).filter((name) => name.endsWith('.cc') && name !== 'tfjs_binding.cc');
  const library = join(folder, 'deps', 'lib');
  await run('g++', [
    // Vectors for the loops of the kernels, of which none depends on floating-point exceptions or errno.
    '-O3',
    '-fno-trapping-math',
    '-fno-math-errno',
    '-std=c++17',
    '-shared',
    '-fPIC',
    // The package supports Node-API 8 at most, so it looks in napi-v8 with every Node from 20.
    '-DNAPI_VERSION=8',
    '-I',
    join(folder, 'deps', 'include'),
    '-I',
    headers,
    '-I',
    binding,
    '-I',
    kernels,
    ...additions.filter((file) => file.endsWith('.cc')),
    ...sources.map((name) => join(binding, name)),
    '-o',
    join(output, 'tfjs_binding.node'),
    '-L',
    library,
    '-ltensorflow',
    '-ltensorflow_framework',
    // Relative to the addon, so that the cache folder can be copied into an image.
    '-Wl,-rpath,$ORIGIN/../../deps/lib',
    '-Wl,--enable-new-dtags',
    // The CUDA libraries are opened at run time, on a machine that has a GPU.
    '-Wl,--allow-shlib-undefined',
  ]);
}

/**
 * Builds the addon of the npm package at `source` into the folder `target`. It builds in a temporary folder and renames
 * it at the end, so an interrupted build never looks finished.
 */
export async function buildAddon(root, source, target, device, print) {
  const headers = nodeHeaders(root);
  await requireCompiler(print);
  const parent = dirname(target);
  mkdirSync(parent, { recursive: true });
  const prefix = `${basename(target)}.building-`;
  // The caller holds the lock, so such a folder belongs to a setup that was killed.
  for (const name of readdirSync(parent)) {
    if (name.startsWith(prefix)) rmSync(join(parent, name), { recursive: true, force: true });
  }
  const folder = join(parent, `${prefix}${process.pid}`);
  mkdirSync(folder);
  const discard = () => rmSync(folder, { recursive: true, force: true });
  process.on('exit', discard);
  try {
    if (!(await linkLibraries(target, folder))) {
      await fetchTensorflow(folder, device, print);
      arrange(folder);
    }
    print('compiling the addon with g++');
    await compile(folder, source, headers);
    rmSync(target, { recursive: true, force: true });
    renameSync(folder, target);
  } finally {
    discard();
    process.off('exit', discard);
  }
}
