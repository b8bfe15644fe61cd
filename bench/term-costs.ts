import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The costs of terms that `npm run bench:terms` has measured, for the pages of `npm run catalogue`. */
export interface TermCosts {
  engine: string;
  threads: number;
  batchSize: number;
  /** How often a term and its control were trained in turn, and the steps of each time. */
  rounds: number;
  steps: number;
  /** The costs by term; other terms were not measured. */
  terms: Record<string, TermCost>;
}

export interface TermCost {
  /** The names of the architectures in a job. */
  teacher: string;
  student: string;
  /** The median time of a step with the term and cross-entropy, and with cross-entropy alone, in ms. */
  milliseconds: number;
  alone: number;
  /** The first time divided by the second; the median over rounds. */
  ratio: number;
}

const path = join(import.meta.dirname, 'terms.json');

export function readTermCosts(): TermCosts {
  return JSON.parse(readFileSync(path, 'utf8')) as TermCosts;
}

export function writeTermCosts(costs: TermCosts): void {
  writeFileSync(path, `${JSON.stringify(costs, undefined, 2)}\n`);
}
