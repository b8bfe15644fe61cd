#!/usr/bin/env node
/**
 * Starts `distill` in the form that is there: compiled beside this file (published packages, images), compiled by
 * `npm run build` in a clone, or else the sources with tsx.
 */
import { existsSync } from 'node:fs';

const compiled = ['./main.js', '../../../built/apps/cli/source/main.js']
  .map((path) => new URL(path, import.meta.url))
  .find((url) => existsSync(url));

if (compiled === undefined) {
  const { register } = await import('tsx/esm/api');
  register();
}
await import((compiled ?? new URL('./main.ts', import.meta.url)).href);
