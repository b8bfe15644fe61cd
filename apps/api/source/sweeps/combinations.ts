import { randomStream } from '@distillery/engine';
import { type Domain, DistilleryError, maxTrials, type NewSweep } from '@distillery/spec';
import { escapePointer } from './pointer.ts';

/** What the paths of a sweep are in one trial. */
export type Values = Record<string, unknown>;

/**
 * Returns the combinations of a sweep, in the order in which their trials begin. They depend on the sweep alone. A combination that is drawn
 * twice is tried once.
 *
 * @throws DistilleryError `invalid_sweep` for a grid over a range of fractions, or with too many combinations
 */
export function combinationsOf({ over, search, seed }: Pick<NewSweep, 'over' | 'search' | 'seed'>): Values[] {
  if (search.type === 'grid' || search.trials === undefined) return grid(over, search.type === 'grid');
  const found = new Map<string, Values>();
  // Lists of few values have fewer combinations than are asked for.
  for (let drawn = 0; found.size < search.trials && drawn < 20 * search.trials; drawn++) {
    const values = Object.fromEntries(
      Object.entries(over).map(([path, domain]) => [path, draw(domain, seed, path, drawn)]),
    );
    found.set(JSON.stringify(values), values);
  }
  return [...found.values()];
}

function grid(over: NewSweep['over'], only: boolean): Values[] {
  let all: Values[] = [{}];
  for (const [path, domain] of Object.entries(over)) {
    const listed = listOf(path, domain, only);
    if (all.length * listed.length > maxTrials) {
      throw refusal(
        '/over',
        `has more than ${maxTrials} combinations: take fewer values, or a search with "trials"`,
      );
    }
    all = all.flatMap((values) => listed.map((value) => ({ ...values, [path]: value })));
  }
  return all;
}

function listOf(path: string, domain: Domain, only: boolean): unknown[] {
  if ('values' in domain) return domain.values;
  if ('integer' in domain) {
    const [low, high] = domain.integer;
    return Array.from({ length: Math.min(high - low, maxTrials) + 1 }, (_, i) => low + i);
  }
  const message = only
    ? 'is a range of fractions, which a grid cannot list: give "values", or search at random'
    : 'is a range of fractions, which cannot be listed: give "values", or the number of "trials"';
  throw refusal(`/over/${escapePointer(path)}`, message);
}

/** Each draw has a random stream of its own, so that a further path or trial changes no other draw. */
function draw(domain: Domain, seed: number, path: string, index: number): unknown {
  const stream = randomStream(seed, 'sweep', path, index);
  if ('values' in domain) return domain.values[stream.below(domain.values.length)];
  if ('integer' in domain) {
    const [low, high] = domain.integer;
    return low + stream.below(high - low + 1);
  }
  if ('uniform' in domain) return between(domain.uniform, stream.uniform());
  const [low, high] = domain.logUniform.map(Math.log);
  return rounded(Math.exp(between([low, high], stream.uniform())));
}

function between([low, high]: readonly [number, number] | number[], share: number): number {
  return rounded(low + share * (high - low));
}

/** Six digits are enough to tell trials apart, and can be read. */
function rounded(value: number): number {
  return Number(value.toPrecision(6));
}

function refusal(path: string, message: string): DistilleryError {
  return new DistilleryError('invalid_sweep', `${path}: ${message}`, { fields: [{ path, message }] });
}
