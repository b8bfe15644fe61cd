import type { NetworkResult } from '@distillery/spec';

type Options = Readonly<Record<string, unknown>>;

/** Options that are the same for nearly every network, or mean nothing at this value. */
const plain = (name: string, value: unknown) =>
  name === 'dropout' || (name === 'width' && value === 1) || (name === 'activation' && value === 'relu');

/** `resnet depth 20`: the kind of a network and its options, without those that are off or ordinary. */
export function architectureWords({ type, ...options }: Options): string {
  const words = Object.entries(options).filter(([name, value]) => !plain(name, value));
  return [String(type), ...optionWords(Object.fromEntries(words))].join(' ');
}

/**
 * `soft_target T 4 + cross_entropy`: the terms of a method, with the weights that are not 1, the temperature, and the options
 * in which it differs from the other methods of the job.
 */
export function methodWords(
  method: readonly Options[],
  runs: readonly Pick<NetworkResult, 'terms'>[] = [],
  others: readonly (readonly Options[])[] = [],
): string {
  const words = method.map((term, index) => {
    const { type, weight = 1, temperature, ...options } = term;
    const parts = [String(type)];
    if (temperature !== undefined && temperature !== 1) parts.push(`T ${valueWords(temperature)}`);
    const trained = weight === 'auto' ? trainedWeight(runs, index) : undefined;
    if (weight === 'auto') parts.push(trained === undefined ? 'auto' : `auto ${trained}`);
    else if (weight !== 1) parts.push(valueWords(weight));
    for (const [name, value] of Object.entries(options)) {
      const same = others.flat().filter((other) => other.type === type);
      if (same.some((other) => valueWords(other[name]) !== valueWords(value)))
        parts.push(`${name} ${valueWords(value)}`);
    }
    return parts.join(' ');
  });
  return words.length === 1 ? `${words[0]} alone` : words.join(' + ');
}

/** The mean of the weights that `auto` chose, with three digits; undefined before the training. */
function trainedWeight(runs: readonly Pick<NetworkResult, 'terms'>[], index: number): string | undefined {
  const weights = runs.flatMap(({ terms }) => {
    const weight = terms[index]?.weight;
    return typeof weight === 'number' ? [weight] : [];
  });
  if (weights.length === 0) return undefined;
  const mean = weights.reduce((sum, one) => sum + one, 0) / weights.length;
  return String(Number(mean.toPrecision(3)));
}

function optionWords(options: Options): string[] {
  return Object.entries(options)
    .filter(([, value]) => value !== false && value !== null && value !== 0)
    .map(([name, value]) => (value === true ? name : `${name} ${valueWords(value)}`));
}

/** A value of a spec on one line: `4`, `1, 2, 3`, `4 → 1 in 5 epochs`, or `linear: …` for any other object. */
export function valueWords(value: unknown): string {
  if (Array.isArray(value)) return value.map(valueWords).join(', ');
  if (typeof value !== 'object' || value === null) return String(value);
  const { schedule, from, to, epochs, value: constant, ...rest } = value as Options;
  if ((schedule === 'linear' || schedule === 'cosine') && from !== undefined) {
    return `${valueWords(from)} → ${valueWords(to)} in ${valueWords(epochs)} epochs`;
  }
  if (schedule === 'constant') return valueWords(constant);
  return Object.entries({ schedule, value: constant, ...rest })
    .filter(([, one]) => one !== undefined)
    .map(([name, one]) => `${name} ${valueWords(one)}`)
    .join(', ');
}
