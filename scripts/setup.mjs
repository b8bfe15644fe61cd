#!/usr/bin/env node
/**
 * Makes a fresh checkout ready to run: packages, a Redis server, the native engine.
 *
 * `npm test` and `npm run demo` start with it, so it needs nothing but Node, repeats safely, and
 * returns in well under a second when there is nothing to do.
 *
 *   node scripts/setup.mjs [--gpu] [--require-native] [--no-packages] [--no-redis] [--no-native] [--retry]
 *
 *   --gpu             prepare @tensorflow/tfjs-node-gpu and the CUDA libraries instead of the CPU engine
 *   --require-native  fail without TensorFlow's own library; --gpu implies it
 *   --no-…            leave that step out (an image that has its Redis elsewhere, say)
 *   --retry           try again what failed less than a day ago
 *
 * Exit status: non-zero where the project cannot run at all (no packages, no Redis). A missing native
 * engine is not that, unless required: the project then runs on WASM, slowly, and the set-up says so.
 */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareEngine } from './setup/engine.mjs';
import { preparePackages } from './setup/packages.mjs';
import { prepareRedis } from './setup/redis.mjs';
import { step } from './setup/report.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const known = ['--gpu', '--require-native', '--no-packages', '--no-redis', '--no-native', '--retry'];
const flags = new Set(process.argv.slice(2));
for (const flag of flags) {
  if (!known.includes(flag)) {
    console.error(`Unknown option ${flag}. Options: ${known.join(' ')}`);
    process.exit(2);
  }
}

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Node ${process.versions.node} is too old: Distillery needs 20.19 or newer.`);
  process.exit(1);
}

// In this order: the engine is built from what `npm ci` brings.
if (!flags.has('--no-packages')) await step('packages', (say) => preparePackages(root, say));
if (!flags.has('--no-redis')) await step('redis', (say) => prepareRedis(say));
if (!flags.has('--no-native')) {
  const gpu = flags.has('--gpu');
  const required = gpu || flags.has('--require-native');
  await step('engine', (say) => prepareEngine(root, { gpu, required, retry: flags.has('--retry') }, say));
}
