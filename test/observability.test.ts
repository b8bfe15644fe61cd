import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { privateApi, spec, submitted } from '@distillery/api/testing';
import { engine } from '@distillery/queue/testing';
import { beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';

const held = privateApi({ metricsPort: 0, apiKeys: 'required', webhookNetworks: ['127.0.0.1'] });
const folder = resolve(import.meta.dirname, '../deploy/observability');
const read = (name: string) => readFileSync(resolve(folder, name), 'utf8');

/** A text of metrics: types by name, and the names of labels that any series of a name has. */
function parsed(text: string) {
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]));
  const labels = new Map<string, Set<string>>();
  const series = new Map<string, number>();
  for (const [, name, inside = '', value] of text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)) {
    const names = labels.get(name) ?? new Set();
    for (const [, label] of inside.matchAll(/(\w+)="/g)) names.add(label);
    labels.set(name, names);
    series.set(`${name}{${inside}}`, Number(value));
  }
  return { types, labels, series };
}

/** The metrics that a query names, each with the labels that it is selected by. */
function namedIn(query: string) {
  return [...query.matchAll(/\b((?:distillery|nodejs|process)_\w+)(?:\{([^}]*)\})?/g)].map(
    ([, name, inside = '']) => ({
      name,
      labels: [...inside.matchAll(/(\w+)\s*[=!]/g)].map(([, label]) => label),
    }),
  );
}

let text: string;
let token: string;
const owner = 'somebody.in-particular';

beforeAll(async () => {
  const { queue } = held;
  ({ token } = await queue.apiKeys.create({ name: owner, scope: 'submit', jobs: null, rate: null }));
  const authorization = `Bearer ${token}`;
  const withKey = {
    ...held,
    post: (path: string, body: unknown) => held.post(path, body, { authorization }),
  };
  const { id } = await submitted(withKey, { seeds: [42] });
  await submitted(withKey, { ...spec, training: { precision: 'bfloat16' } });
  const load = {
    memoryUsedBytes: 3e9,
    diskFreeBytes: 1e9,
    diskBytes: 4e9,
    gpuMemoryUsedBytes: 1e9,
  };
  const info = { id: 'w', host: 'h', version: '1', memoryBytes: 4e9, gpuMemoryBytes: 2e9, trainers: 2 };
  await queue.workers.register(
    { ...info, engine: { ...engine, bfloat16: 'no such instructions' } },
    async () => load,
  );
  const begin = async (stage: string) => {
    const begun = await queue.attempts.begin(id, stage, 'w');
    if ('skip' in begun) throw new Error(begun.skip);
    return begun;
  };
  const training = { epoch: 0, epochs: 1, steps: 8, loss: 1, samplesPerSecond: 250, fraction: 0.5 };
  const teacher = await begin('teacher');
  await queue.attempts.progress(teacher, { ...training, phase: 'training', step: 4 });
  await queue.attempts.fail(teacher, { code: 'trainer_crashed', message: 'it ended' }, 5);
  await queue.attempts.succeed(await begin('teacher'), { result: { reused: true } });
  const outputs = await begin('outputs');
  await queue.attempts.progress(outputs, { ...training, phase: 'training', step: 4 });
  await held.request(`/v1/jobs/${id}`, { headers: { authorization } });
  await held.request(`/v1/nothing/${id}`, { headers: { authorization } });
  text = await (await fetch(`http://127.0.0.1:${held.api.metricsPort}/metrics`)).text();
});

test('the metrics have the numbers of the service', () => {
  const { series } = parsed(text);
  const value = (name: string) => series.get(name);
  expect(value('distillery_stages{state="ready",requires="bfloat16"}')).toBe(1);
  expect(value('distillery_stages_without_worker{requires="bfloat16"}')).toBe(1);
  expect(value('distillery_stages{state="running",requires=""}')).toBe(1);
  expect(value('distillery_stage_failures_total{code="trainer_crashed"}')).toBe(1);
  expect(value('distillery_stage_attempts_total{kind="teacher",start="resumed"}')).toBe(1);
  expect(value('distillery_stage_results_total{kind="teacher",source="reused"}')).toBe(1);
  expect(value('distillery_training_steps_total{kind="teacher"}')).toBe(4);
  expect(value('distillery_training_samples_per_second{kind="outputs"}')).toBe(250);
  expect(value('distillery_stage_duration_seconds_count{kind="teacher",outcome="retried"}')).toBe(1);
  expect(value('distillery_stage_duration_seconds_bucket{kind="teacher",outcome="retried",le="+Inf"}')).toBe(
    1,
  );
  expect(value('distillery_workers{engine="cpu",version="1"}')).toBe(1);
  expect(value('distillery_worker_trainers{engine="cpu"}')).toBe(2);
  expect(value('distillery_worker_memory_used_ratio_max{}')).toBe(0.75);
  expect(value('distillery_worker_disk_free_ratio_min{}')).toBe(0.25);
  expect([value('distillery_redis_up{}'), value('distillery_store_up{}')]).toEqual([1, 1]);
  expect(
    value(
      'distillery_http_request_duration_seconds_count{method="GET",route="/v1/jobs/:id/",status="200"}',
    ) ??
      value('distillery_http_request_duration_seconds_count{method="GET",route="/v1/jobs/:id",status="200"}'),
  ).toBe(1);
  expect(
    value('distillery_http_request_duration_seconds_count{method="GET",route="unknown",status="404"}'),
  ).toBe(1);
  // Names of owners, jobs and requests would make series without end.
  for (const name of [owner, 'job_', 'First Try', 'team']) expect(text).not.toContain(name);
});

test('reading the metrics on the port of the API needs a key of any scope', async () => {
  expect((await held.request('/metrics')).status).toBe(401);
  const response = await held.request('/metrics', { headers: { authorization: `Bearer ${token}` } });
  expect([response.status, response.headers.get('content-type')]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ]);
  expect([...parsed(await response.text()).types.keys()].sort()).toEqual(
    [...parsed(text).types.keys()].sort(),
  );
});

interface Rule {
  alert: string;
  expr: string;
  annotations: { summary: string; description: string };
}

test.each(['alerts.yaml', 'grafana-dashboard.json'])('%s names only metrics that are served', (file) => {
  const { types, labels } = parsed(text);
  const served = new Set(
    [...types].flatMap(([name, type]) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  );
  const queries =
    file === 'alerts.yaml'
      ? (parse(read(file)) as { groups: { rules: Rule[] }[] }).groups.flatMap(({ rules }) =>
          rules.map(({ expr }) => expr),
        )
      : (JSON.parse(read(file)) as { panels: { targets?: { expr: string }[] }[] }).panels.flatMap(
          ({ targets = [] }) => targets.map(({ expr }) => expr),
        );
  const named = queries.flatMap(namedIn);
  expect(named.length).toBeGreaterThan(10);
  expect(queries.filter((query) => namedIn(query).length === 0)).toEqual([]);
  expect(named.filter(({ name }) => !served.has(name))).toEqual([]);
  for (const { name, labels: selected } of named) {
    for (const label of selected) {
      // A counter without a single event has no series yet.
      const known = labels.get(name);
      if (known !== undefined) expect([name, label, known.has(label)]).toEqual([name, label, true]);
    }
  }
});

test('metrics of this process are served while Redis is away', async () => {
  await held.redis.stop();
  const url = `http://127.0.0.1:${held.api.metricsPort}/metrics`;
  await expect
    .poll(async () => parsed(await (await fetch(url)).text()).series.get('distillery_redis_errors_total{}'))
    .toBeGreaterThan(0);
  const { series, types } = parsed(await (await fetch(url)).text());
  expect([series.get('distillery_redis_up{}'), series.get('distillery_store_up{}')]).toEqual([0, 1]);
  expect([types.has('distillery_stages'), types.has('nodejs_eventloop_lag_p99_seconds')]).toEqual([
    false,
    true,
  ]);
});
