/**
 * The native engine: @tensorflow/tfjs-node with TensorFlow 2.21. It is built once, kept in a cache outside node_modules
 * and linked into the package, so that `npm ci` needs only a new link.
 *
 * In order of preference: this build; the download of the package (TensorFlow 2.9, from 2022); none, and the project
 * runs on WASM. docs/architecture.md explains why the download is not good enough.
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
import { additionsDigest, buildAddon } from './addon.mjs';
import { withLock } from './lock.mjs';
import { run } from './shell.mjs';
import { TENSORFLOW } from './wheel.mjs';

/** How much slower training is on WASM. Measured: a step of 128 CIFAR-10 images on 2 cores, lightnn 3-4x, deepnn up to 8x. */
const WASM_COST = '3-8x slower';

/** A failed download is not retried by every `npm test`, but after a day. */
const RETRY_AFTER_MS = 24 * 3600 * 1000;

const parts = ['lib', 'deps'];

function cacheFolder() {
  if (process.env.DISTILLERY_CACHE) return resolve(process.env.DISTILLERY_CACHE);
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'distillery');
}

/** Finds the folder of the package, from the workspace that depends on it. */
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

/** Links lib/ and deps/ of the package to the cache. A rename makes each change atomic. */
function link(source, cache) {
  for (const part of parts) {
    const path = join(source, part);
    if (pointsTo(path, join(cache, part))) continue;
    const temporary = `${path}.${process.pid}`;
    rmSync(temporary, { force: true });
    symlinkSync(join(cache, part), temporary);
    // A real folder is from the download of the package; a rename cannot replace it.
    if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory())
      rmSync(path, { recursive: true, force: true });
    renameSync(temporary, path);
  }
}

function unlink(source) {
  for (const part of parts) rmSync(join(source, part), { recursive: true, force: true });
}

/** Multiplies two matrices in a child process, because a broken addon aborts, and returns TensorFlow's version. */
async function check(source) {
  const program = `
    // Removed in Node 23, but the package still calls it.
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

/** Links the build in the cache and checks it once; builds it first if it is missing. */
async function useOwnBuild(root, source, cache, device, print) {
  const stamp = join(cache, 'checked');
  if (!existsSync(cache)) await buildAddon(root, source, cache, device, print);
  link(source, cache);
  if (existsSync(stamp)) return;
  try {
    writeFileSync(stamp, `${await check(source)}\n`);
  } catch (error) {
    // An incomplete cache or a C library that is too old, for example: never use this build again.
    unlink(source);
    rmSync(cache, { recursive: true, force: true });
    throw error;
  }
}

/** Runs the install script of the package, which downloads a prebuilt libtensorflow 2.9. */
async function usePackageDownload(root, source, name, print) {
  const present = existsSync(join(source, 'lib', 'napi-v8', 'tfjs_binding.node'));
  if (present && !lstatSync(join(source, 'lib')).isSymbolicLink()) return;
  unlink(source);
  print(`trying the download of ${name}`);
  try {
    await run('npm', ['rebuild', '--ignore-scripts=false', name], { cwd: root, timeout: 300_000 });
    await check(source);
  } catch (error) {
    unlink(source);
    throw error;
  }
}

/** Returns the line of a program's output that names the cause: that of a thrown error, or else the last line. */
function cause(error) {
  const lines = error.message.trim().split('\n');
  return (lines.find((line) => /^(\w*Error|Error):/.test(line)) ?? lines.at(-1)).slice(0, 300);
}

function recentFailure(path, retry) {
  if (retry || !existsSync(path)) return undefined;
  const failure = JSON.parse(readFileSync(path, 'utf8'));
  return Date.now() - failure.at < RETRY_AFTER_MS ? failure : undefined;
}

async function fallBack(root, source, name, failure, print) {
  if (!failure.download) {
    try {
      await usePackageDownload(root, source, name, print);
      return `native, TensorFlow 2.9 instead of ${TENSORFLOW} (${failure.wheel}): older, slower kernels`;
    } catch (error) {
      failure.download = cause(error);
    }
  }
  return [
    `none: training will run on WASM, about ${WASM_COST}`,
    `  TensorFlow ${TENSORFLOW}: ${failure.wheel}`,
    `  download of the package: ${failure.download}`,
    '  retried after a day, or now with: node scripts/setup.mjs --retry',
  ].join('\n');
}

/**
 * Prepares the native engine.
 *
 * @param options `gpu`: prepare the GPU package. `retry`: ignore an earlier failure. `required`: throw without a native
 *   engine, so that a GPU image never ships with WASM
 * @returns the line for the report
 */
export async function prepareEngine(root, { gpu, retry, required }, print) {
  const device = gpu ? 'gpu' : 'cpu';
  const name = gpu ? '@tensorflow/tfjs-node-gpu' : '@tensorflow/tfjs-node';
  const source = findPackage(root, name);
  if (!source) {
    if (required) throw new Error(`${name} is not installed: run npm ci --include=optional`);
    return `none: ${name} is not installed; training will run on WASM, about ${WASM_COST}`;
  }

  const { version } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
  const key = `native-${version}-tf${TENSORFLOW}-${device}-${process.platform}-${process.arch}-${additionsDigest()}`;
  const cache = join(cacheFolder(), key);
  const native = `native ${device.toUpperCase()}, TensorFlow ${TENSORFLOW}`;
  if (existsSync(join(cache, 'checked')) && isLinked(source, cache)) return native;

  return withLock(key, async () => {
    const record = `${cache}.failed.json`;
    const failure = recentFailure(record, retry || required) ?? {};
    if (!failure.wheel) {
      const built = existsSync(cache);
      try {
        await useOwnBuild(root, source, cache, device, print);
        rmSync(record, { force: true });
        return `${native}, ${built ? 'linked from' : 'built into'} ${cache}`;
      } catch (error) {
        failure.wheel = cause(error);
        failure.at = Date.now();
        print(`TensorFlow ${TENSORFLOW} cannot be used: ${failure.wheel}`);
      }
    }
    // A required engine is prepared once, with its output visible, so a failure is not recorded.
    if (required) throw new Error(`no native engine (${failure.wheel})`);
    const outcome = await fallBack(root, source, name, failure, print);
    try {
      mkdirSync(dirname(record), { recursive: true });
      writeFileSync(record, `${JSON.stringify(failure)}\n`);
    } catch {
      // The cache cannot be written, so the next setup only tries again.
    }
    return outcome;
  });
}
