import { wholeFiles } from '@distillery/datasets/testing';
import { weightFiles } from './weights.ts';

/** Every kind of file that people bring. */
export const fuzzKinds: readonly string[] = [
  ...Object.keys(wholeFiles),
  ...weightFiles.map(({ name }) => name),
];
