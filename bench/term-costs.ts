import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What `npm run bench:terms` measured of each term; the pages of `npm run catalogue` show it. */
export interface TermCosts {
  engine: string;
  threads: number;
  batchSize: number;
  /** How often a term and its control were trained in turn, and for how many steps each time. */
  rounds: number;
  steps: number;
  /** By term; one that is not here was not measured. */
  terms: Record<string, TermCost>;
}

export interface TermCost {
  /** As a job names them. */
  teacher: string;
  student: string;
  /** Of a step with the term and cross-entropy, and of one with cross-entropy alone; medians. */
  milliseconds: number;
  alone: number;
  /** The first over the second, the median over rounds. */
  ratio: number;
}

const path = join(import.meta.dirname, 'terms.json');

export function readTermCosts(): TermCosts {
  return JSON.parse(readFileSync(path, 'utf8')) as TermCosts;
}

export function writeTermCosts(costs: TermCosts): void {
  writeFileSync(path, `${JSON.stringify(costs, undefined, 2)}\n`);
}
