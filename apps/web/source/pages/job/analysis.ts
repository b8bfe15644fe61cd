/** How a network answers on the test set, class by class, as `GET /v1/jobs/:id/analysis` tells. */
export interface NetworkAnalysis {
  stage: string;
  role: 'teacher' | 'student';
  name: string;
  seed: number | null;
  /** Shares of 1, in the order of the classes. */
  classAccuracy: number[];
  /** `[class][predicted class]` counts; null for data with very many classes. */
  confusion: number[][] | null;
  /** Bins of equal width; those without a sample have no place in a chart. */
  reliability: { confidence: number; accuracy: number; count: number }[];
}

export interface Analysis {
  classes: string[];
  networks: NetworkAnalysis[];
}

/** The confusion counts of all seeds of a network, added; null when there are none. */
export function confusionOf(networks: readonly NetworkAnalysis[], name: string): number[][] | null {
  const counts = networks
    .filter((one) => one.name === name)
    .flatMap(({ confusion }) => (confusion === null ? [] : [confusion]));
  const [first, ...others] = counts;
  if (first === undefined) return null;
  return first.map((row, i) =>
    row.map((count, j) => others.reduce((sum, other) => sum + other[i][j], count)),
  );
}

/** Shares of each row: how samples of a class are answered. */
export const rowShares = (counts: readonly (readonly number[])[]): number[][] =>
  counts.map((row) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return row.map((count) => (total === 0 ? 0 : count / total));
  });

/** The bins of a network over all its seeds: confidence and accuracy weighted by the samples of each. */
export function reliabilityOf(
  networks: readonly NetworkAnalysis[],
  name: string,
): { confidence: number; accuracy: number; count: number }[] {
  const runs = networks.filter((one) => one.name === name).map(({ reliability }) => reliability);
  return (runs[0] ?? []).flatMap((_, bin) => {
    const all = runs.map((run) => run[bin]).filter((one) => one !== undefined && one.count > 0);
    const count = all.reduce((sum, one) => sum + one.count, 0);
    if (count === 0) return [];
    const mean = (read: (one: (typeof all)[number]) => number) =>
      all.reduce((sum, one) => sum + read(one) * one.count, 0) / count;
    return [{ confidence: mean((one) => one.confidence), accuracy: mean((one) => one.accuracy), count }];
  });
}

/** What a student gained over its control in each class, for each seed that both have. */
export function gainsByClass(
  networks: readonly NetworkAnalysis[],
  student: string,
  control: string,
): number[][] {
  const own = networks.filter(({ name }) => name === student);
  const [first] = own;
  return (first?.classAccuracy ?? []).map((_, index) =>
    own.flatMap(({ seed, classAccuracy }) => {
      const other = networks.find((one) => one.name === control && one.seed === seed);
      return other === undefined ? [] : [classAccuracy[index] - other.classAccuracy[index]];
    }),
  );
}
