/**
 * The native engine: @tensorflow/tfjs-node on TensorFlow 2.21, built once, kept in a cache outside
 * node_modules and linked into the package, so that `npm ci` costs a re-link and no download.
 *
 * In order of preference: our build; the package's own download (TensorFlow 2.9, of 2022); none, and the
 * project runs on WASM. docs/architecture.md says why the package's own download is not good enough.
 */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { buildAddon } from './addon.mjs';
import { withLock } from './lock.mjs';
import { run } from './shell.mjs';
import { TENSORFLOW } from './wheel.mjs';

/**
 * How much slower training is without a native engine, for the line that announces it: a step of 128 CIFAR-10
 * images on 2 cores, lightnn 3-4x, deepnn up to 8x.
 */
const WASM_COST = '3-8x slower';

/** A download that failed is not tried again on every `npm test`. */
const RETRY_AFTER_MS = 24 * 3600 * 1000;

const parts = ['lib', 'deps'];

function cacheFolder() {
  if (process.env.DISTILLERY_CACHE) return resolve(process.env.DISTILLERY_CACHE);
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'distillery');
}

/** Where npm put the package, looked up from the workspace that depends on it. */
function findPackage(root, name) {
  const require = createRequire(join(root, 'packages', 'engine', 'package.json'));
  try {
    return dirname(require.resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
}

function pointsTo(link, target) {
  return lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() && readlinkSync(link) === target;
}

const isLinked = (source, cache) => parts.every((part) => pointsTo(join(source, part), join(cache, part)));

/** Points the package's lib/ and deps/ into the cache. The rename makes the change whole for readers. */
function link(source, cache) {
  for (const part of parts) {
    const path = join(source, part);
    if (pointsTo(path, join(cache, part))) continue;
    const temporary = `${path}.${process.pid}`;
    rmSync(temporary, { force: true });
    symlinkSync(join(cache, part), temporary);
    // A real folder is what the package's own download left; a rename does not replace one.
    if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory())
      rmSync(path, { recursive: true, force: true });
    renameSync(temporary, path);
  }
}

function unlink(source) {
  for (const part of parts) rmSync(join(source, part), { recursive: true, force: true });
}

/** Multiplies two matrices in a process of its own (a broken addon aborts) and tells TensorFlow's version. */
async function check(source) {
  const program = `
    // Gone from Node 23, and the package still calls it.
    require('node:util').isNullOrUndefined ??= (value) => value == null;
    const tf = require(${JSON.stringify(source)});
    const product = tf.matMul(tf.tensor2d([[1, 2], [3, 4]]), tf.tensor2d([[5, 6], [7, 8]])).dataSync();
    if (product.join() !== '19,22,43,50') throw new Error('wrong product: ' + product.join());
    console.log(tf.backend().binding.TF_Version);`;
  const output = await run(process.execPath, ['-e', program], {
    env: { TF_CPP_MIN_LOG_LEVEL: '3', TF_FORCE_GPU_ALLOW_GROWTH: 'true' },
    timeout: 120_000,
  });
  return output.trim().split('\n').at(-1);
}

/** Uses what is in the cache, checking it once; builds it first when it is not there. */
async function useOwnBuild(root, source, cache, device, say) {
  const stamp = join(cache, 'checked');
  if (!existsSync(cache)) await buildAddon(root, source, cache, device, say);
  link(source, cache);
  if (existsSync(stamp)) return;
  try {
    writeFileSync(stamp, `${await check(source)}\n`);
  } catch (error) {
    // Half a cache, a C library too old: whatever it is, it must not be found again.
    unlink(source);
    rmSync(cache, { recursive: true, force: true });
    throw error;
  }
}

/** The package's own install script: a prebuilt libtensorflow 2.9 from its one storage host. */
async function usePackageDownload(root, source, name, say) {
  const there = existsSync(join(source, 'lib', 'napi-v8', 'tfjs_binding.node'));
  if (there && !lstatSync(join(source, 'lib')).isSymbolicLink()) return;
  unlink(source);
  say(`trying the own download of ${name}`);
  try {
    await run('npm', ['rebuild', '--ignore-scripts=false', name], { cwd: root, timeout: 300_000 });
    await check(source);
  } catch (error) {
    unlink(source);
    throw error;
  }
}

/** The line of a program's last words that names the cause: a thrown error's own, or the last. */
function cause(error) {
  const lines = error.message.trim().split('\n');
  return (lines.find((line) => /^(\w*Error|Error):/.test(line)) ?? lines.at(-1)).slice(0, 300);
}

function recentFailure(path, retry) {
  if (retry || !existsSync(path)) return undefined;
  const failure = JSON.parse(readFileSync(path, 'utf8'));
  return Date.now() - failure.at < RETRY_AFTER_MS ? failure : undefined;
}

async function fallBack(root, source, name, failure, say) {
  if (!failure.download) {
    try {
      await usePackageDownload(root, source, name, say);
      return `native, stock TensorFlow 2.9 instead of ${TENSORFLOW} (${failure.wheel}): older, slower kernels`;
    } catch (error) {
      failure.download = cause(error);
    }
  }
  return [
    `none: training will run on WASM, about ${WASM_COST}`,
    `  TensorFlow ${TENSORFLOW}: ${failure.wheel}`,
    `  the package's own download: ${failure.download}`,
    '  tried again after a day, or now with: node scripts/setup.mjs --retry',
  ].join('\n');
}

/**
 * @param options `gpu`: prepare the GPU package. `retry`: forget an earlier failure. `required`: throw
 *   where there would be no native engine (an image that says "GPU" must not ship WASM).
 * @returns the closing words for the report
 */
export async function prepareEngine(root, { gpu, retry, required }, say) {
  const device = gpu ? 'gpu' : 'cpu';
  const name = gpu ? '@tensorflow/tfjs-node-gpu' : '@tensorflow/tfjs-node';
  const source = findPackage(root, name);
  if (!source) {
    if (required) throw new Error(`${name} is not installed: run npm ci --include=optional`);
    return `none: ${name} is not installed; training will run on WASM, about ${WASM_COST}`;
  }

  const { version } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
  const key = `native-${version}-tf${TENSORFLOW}-${device}-${process.platform}-${process.arch}`;
  const cache = join(cacheFolder(), key);
  const native = `native ${device.toUpperCase()}, TensorFlow ${TENSORFLOW}`;
  if (existsSync(join(cache, 'checked')) && isLinked(source, cache)) return native;

  return withLock(key, async () => {
    const record = `${cache}.failed.json`;
    const failure = recentFailure(record, retry || required) ?? {};
    if (!failure.wheel) {
      const built = existsSync(cache);
      try {
        await useOwnBuild(root, source, cache, device, say);
        rmSync(record, { force: true });
        return `${native}, ${built ? 'linked from' : 'built into'} ${cache}`;
      } catch (error) {
        failure.wheel = cause(error);
        failure.at = Date.now();
        say(`TensorFlow ${TENSORFLOW} cannot be used: ${failure.wheel}`);
      }
    }
    // Such a run is made once and watched, so its failure is not remembered either.
    if (required) throw new Error(`no native engine (${failure.wheel})`);
    const outcome = await fallBack(root, source, name, failure, say);
    try {
      mkdirSync(dirname(record), { recursive: true });
      writeFileSync(record, `${JSON.stringify(failure)}\n`);
    } catch {
      // A cache that cannot be written: the next set-up tries again, which is the worst of it.
    }
    return outcome;
  });
}
