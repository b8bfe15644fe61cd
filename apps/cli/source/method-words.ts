import type { Report, Scheduled } from '@distillery/spec';

type Student = Pick<Report['students'][number], 'method' | 'runs'>;

/** `soft_target 0.25 + cross_entropy 0.75`: terms with the weights that they were trained with. */
export function methodInShort({ method, runs }: Student): string {
  return method
    .map(({ type, weight }, index) => `${String(type)} ${weightWords(weight, trainedWeights(runs, index))}`)
    .join(' + ');
}

/** The same with the options; what is switched off is left out. */
export function methodInFull({ method, runs }: Student): string {
  return method
    .map(({ type, weight, ...options }, index) => {
      const words = Object.entries(options)
        .filter(([, value]) => value !== false && value !== 0)
        .map(([name, value]) => `${name} ${valueWords(value)}`);
      return [`\`${String(type)}\` ${weightWords(weight, trainedWeights(runs, index))}`, ...words].join(', ');
    })
    .join(' + ');
}

/** Of one term in all runs; `auto` comes to another number in each. */
function trainedWeights(runs: Student['runs'], index: number): number[] {
  return runs.flatMap(({ terms }) => {
    const weight = terms[index]?.weight;
    return typeof weight === 'number' ? [weight] : [];
  });
}

function weightWords(weight: unknown, trained: readonly number[]): string {
  if (weight !== 'auto') return valueWords(weight);
  const mean = trained.reduce((sum, one) => sum + one, 0) / trained.length;
  return trained.length === 0 ? 'auto' : `auto (${Number(mean.toPrecision(3))})`;
}

function valueWords(value: unknown): string {
  if (Array.isArray(value)) return value.map(valueWords).join(', ');
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
  }
}
