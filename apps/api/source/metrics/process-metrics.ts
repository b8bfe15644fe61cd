import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What one API process counts by itself. Prometheus tells processes apart by their addresses. */
export interface ProcessMetrics {
  registry: Registry;
  /** A request was answered. `route` is the pattern of its path, never the path. */
  answered(request: { method: string; route: string; status: number }, seconds: number): void;
  /** A connection to Redis failed, or an attempt to make one. */
  redisFailed(): void;
  /** An attempt to deliver to a webhook ended. */
  attempted(outcome: 'delivered' | 'failed' | 'given_up'): void;
}

/**
 * Metrics of this process: requests, failures of Redis, deliveries to webhooks, and those of Node.js that prom-client
 * collects: event-loop lag, memory, processor, garbage collection.
 *
 * @param version the version of Distillery
 */
export function processMetrics(version: string): ProcessMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'distillery_build_info',
    help: 'Always 1; the label has the version of this API process.',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1);
  const requests = new Histogram({
    name: 'distillery_http_request_duration_seconds',
    help: 'Seconds until requests were answered, by route pattern. Streams of events are not counted.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers,
  });
  const redis = new Counter({
    name: 'distillery_redis_errors_total',
    help: 'Failed connections to Redis, with each attempt to connect again.',
    registers,
  });
  const webhooks = new Counter({
    name: 'distillery_webhook_attempts_total',
    help: 'Attempts to deliver to webhooks that this process made. given_up: failed, and not tried again.',
    labelNames: ['outcome'],
    registers,
  });
  return {
    registry,
    answered: ({ method, route, status }, seconds) =>
      requests.observe({ method, route, status: String(status) }, seconds),
    redisFailed: () => redis.inc(),
    attempted: (outcome) => webhooks.inc({ outcome }),
  };
}
