import type { Histogram, Registry } from 'prom-client';

/** A series of a histogram that was counted elsewhere. */
export interface StoredSeries {
  labels: Record<string, string>;
  /** How many values were at most each of the bounds, and at last all of them. */
  atMost: readonly number[];
  sum: number;
}

/**
 * Adds a histogram whose values were counted elsewhere. prom-client's own histogram only observes, so this one offers what a
 * registry reads of a metric.
 */
export function addStoredHistogram(
  registry: Registry,
  { name, help, bounds }: { name: string; help: string; bounds: readonly number[] },
  series: readonly StoredSeries[],
): void {
  const values = series.flatMap(({ labels, atMost, sum }) => [
    ...[...bounds, '+Inf'].map((le, index) => ({
      metricName: `${name}_bucket`,
      labels: { ...labels, le: String(le) },
      value: atMost[index],
    })),
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: atMost.at(-1) ?? 0 },
  ]);
  const metric = {
    name,
    help,
    type: 'histogram',
    get: async () => ({ name, help, type: 'histogram', values }),
  };
  registry.registerMetric(metric as unknown as Histogram);
}
