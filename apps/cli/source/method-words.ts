import type { Report, Scheduled } from '@distillery/spec';

type Student = Pick<Report['students'][number], 'method' | 'runs'>;

/** `soft_target 0.25 + cross_entropy 0.75`: the terms with the weights of the training. */
export function methodInShort({ method, runs }: Student): string {
  return method
    .map(({ type, weight }, index) => `${String(type)} ${weightText(weight, trainedWeights(runs, index))}`)
    .join(' + ');
}

/** Describes the terms with their options, without those that are off. */
export function methodInFull({ method, runs }: Student): string {
  return method
    .map(({ type, weight, ...options }, index) => {
      const words = Object.entries(options)
        .filter(([, value]) => value !== false && value !== 0)
        .map(([name, value]) => `${name} ${valueText(value)}`);
      return [`\`${String(type)}\` ${weightText(weight, trainedWeights(runs, index))}`, ...words].join(', ');
    })
    .join(' + ');
}

/** Returns the weights of a term in all runs; with `auto` they differ. */
function trainedWeights(runs: Student['runs'], index: number): number[] {
  return runs.flatMap(({ terms }) => {
    const weight = terms[index]?.weight;
    return typeof weight === 'number' ? [weight] : [];
  });
}

function weightText(weight: unknown, trained: readonly number[]): string {
  if (weight !== 'auto') return valueText(weight);
  const mean = trained.reduce((sum, one) => sum + one, 0) / trained.length;
  return trained.length === 0 ? 'auto' : `auto (${Number(mean.toPrecision(3))})`;
}

function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.map(valueText).join(', ');
  if (typeof value !== 'object' || value === null || !('schedule' in value)) return String(value);
  const schedule = value as Exclude<Scheduled, number>;
  switch (schedule.schedule) {
    case 'constant':
      return String(schedule.value);
    case 'linear':
    case 'cosine':
      return `${schedule.from} → ${schedule.to} in ${schedule.epochs} epochs`;
    case 'step':
      return `${schedule.value}, × ${schedule.gamma} after epochs ${schedule.milestones.join(', ')}`;
    case 'piecewise':
      return `${schedule.values.join(', ')}, changing after epochs ${schedule.milestones.join(', ')}`;
  }
}
