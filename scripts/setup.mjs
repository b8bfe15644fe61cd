#!/usr/bin/env node
/**
 * Prepares a fresh checkout: packages, the dashboard, a Redis server, the native engine.
 *
 * `npm test` and `npm run demo` run it first. It needs only Node, can be repeated safely, and takes well under a
 * second when everything is ready.
 *
 *   node scripts/setup.mjs [--gpu] [--require-native] [--browser] [--no-packages] [--no-page] [--no-redis] [--no-native] [--retry]
 *
 *   --gpu             prepare @tensorflow/tfjs-node-gpu and the CUDA libraries instead of the CPU engine
 *   --require-native  fail without TensorFlow's own library; --gpu implies it
 *   --browser         find or install a Chromium, for the tests of the dashboard
 *   --no-…            skip a step (for example in an image without Redis)
 *   --retry           retry a step that failed less than a day ago
 *
 * The exit status is not zero when the project cannot run (no packages, no Redis) or a required native engine is
 * missing. Otherwise, without a native engine, the project runs on WASM, slowly, and a line says so.
 */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareBrowser } from './setup/browser.mjs';
import { prepareEngine } from './setup/engine.mjs';
import { preparePackages } from './setup/packages.mjs';
import { preparePage } from './setup/page.mjs';
import { prepareRedis } from './setup/redis.mjs';
import { step } from './setup/report.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const known = [
  '--gpu',
  '--require-native',
  '--browser',
  '--no-packages',
  '--no-page',
  '--no-redis',
  '--no-native',
  '--retry',
];
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

// In this order, because the engine is built from a package that `npm ci` installs.
if (!flags.has('--no-packages')) await step('packages', (print) => preparePackages(root, print));
if (!flags.has('--no-page')) await step('page', (print) => preparePage(root, print));
if (!flags.has('--no-redis')) await step('redis', (print) => prepareRedis(print));
if (!flags.has('--no-native')) {
  const gpu = flags.has('--gpu');
  const required = gpu || flags.has('--require-native');
  await step('engine', (print) => prepareEngine(root, { gpu, required, retry: flags.has('--retry') }, print));
}
if (flags.has('--browser')) await step('browser', (print) => prepareBrowser(print));
