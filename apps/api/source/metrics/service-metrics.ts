import { capabilitiesOf, durationBounds, type DistilleryQueue, type LiveWorker } from '@distillery/queue';
import { type Demand, demandStates, jobStates, unmet } from '@distillery/spec';
import { Counter, Gauge, Registry } from 'prom-client';
import { addStoredHistogram } from './stored-histogram.ts';

type Labels = Record<string, string>;
type Queue = Pick<DistilleryQueue, 'workload' | 'demand' | 'counters' | 'inProgress' | 'workers'>;

/** What stages require is chosen by the people who post jobs, so that only so many different requirements have a label. */
const mostRequirements = 40;

/**
 * The metrics of the whole service, as Redis has them: every API process serves the same numbers, whatever has restarted.
 *
 * @throws DistilleryError `redis_unavailable`
 */
export async function serviceMetrics(queue: Queue): Promise<Registry> {
  const [workload, demand, counters, progress, workers] = await Promise.all([
    queue.workload(),
    queue.demand(),
    queue.counters(),
    queue.inProgress(),
    queue.workers.list(),
  ]);
  const registry = new Registry();
  const add = (Type: typeof Gauge | typeof Counter) => {
    return (name: string, help: string, rows: readonly (readonly [Labels, number])[]) => {
      const labelNames = [...new Set(rows.flatMap(([labels]) => Object.keys(labels)))];
      const metric = new Type({ name, help, labelNames, registers: [registry] });
      for (const [labels, value] of rows) metric.inc(labels, value);
    };
  };
  const gauge = add(Gauge);
  const counter = add(Counter);

  gauge(
    'distillery_jobs',
    'Jobs by state.',
    jobStates.map((state) => [{ state }, workload.queue.jobs[state]]),
  );
  const labelOf = requirementLabels(demand);
  const capabilities = workers.map(capabilitiesOf);
  const canRun = ({ requires }: Demand) => capabilities.some((own) => unmet(own, requires).length === 0);
  gauge(
    'distillery_stages',
    'Stages that there is work for now, by what they require of a worker.',
    demand.flatMap((one) =>
      demandStates.map((state) => [{ state, requires: labelOf(one) }, one[state]] as const),
    ),
  );
  gauge(
    'distillery_stages_without_worker',
    'Stages that could run now and that no live worker can run, by what they require.',
    demand.map((one) => [{ requires: labelOf(one) }, canRun(one) ? 0 : one.ready]),
  );
  gauge(
    'distillery_stages_unfinished',
    'Stages of jobs that are queued or run which have not ended, with those that wait for other stages.',
    Object.entries(progress.unfinished).map(([kind, count]) => [{ kind }, count]),
  );
  gauge(
    'distillery_training_samples_per_second',
    'The samples that all stages together train on in a second.',
    Object.entries(progress.samplesPerSecond).map(([kind, speed]) => [{ kind }, speed]),
  );
  counter(
    'distillery_training_steps_total',
    'Optimizer steps.',
    counters.steps.map(({ kind, count }) => [{ kind }, count]),
  );
  counter(
    'distillery_jobs_ended_total',
    'Jobs that ended, by their last state.',
    counters.jobs.map(({ state, count }) => [{ state }, count]),
  );
  counter(
    'distillery_stage_attempts_total',
    'Attempts of stages that began. resumed: not the first of its stage.',
    counters.attempts.map(({ kind, start, count }) => [{ kind, start }, count]),
  );
  counter(
    'distillery_stage_failures_total',
    'Failed attempts by the code of the error.',
    counters.failures.map(({ code, count }) => [{ code }, count]),
  );
  counter(
    'distillery_stage_results_total',
    'Results of stages by whether they were reused from the store or computed.',
    counters.results.map(({ kind, source, count }) => [{ kind, source }, count]),
  );
  addStoredHistogram(
    registry,
    {
      name: 'distillery_stage_duration_seconds',
      help: 'Seconds that attempts of stages took: succeeded, failed, retried (failed, and queued again), stopped (handed back), lost (with their worker) or cancelled.',
      bounds: durationBounds,
    },
    counters.durations.map(({ kind, outcome, ...series }) => ({ labels: { kind, outcome }, ...series })),
  );
  addWorkers(gauge, workers);
  return registry;
}

function addWorkers(
  gauge: (name: string, help: string, rows: readonly (readonly [Labels, number])[]) => void,
  workers: readonly LiveWorker[],
): void {
  gauge(
    'distillery_workers',
    'Live workers by engine and version.',
    workers.map(({ engine, version }) => [{ engine: engine.name, version }, 1]),
  );
  const sums: [name: string, help: string, of: (worker: LiveWorker) => number | undefined][] = [
    [
      'distillery_worker_trainers',
      'Stages that the live workers can run at once.',
      ({ trainers = 1 }) => trainers,
    ],
    [
      'distillery_worker_memory_bytes',
      "The memory of the workers' machines or containers.",
      ({ memoryBytes }) => memoryBytes,
    ],
    [
      'distillery_worker_memory_used_bytes',
      'How much of it is in use.',
      ({ memoryUsedBytes }) => memoryUsedBytes,
    ],
    [
      'distillery_worker_gpu_memory_bytes',
      "The memory of the workers' GPUs.",
      ({ gpuMemoryBytes }) => gpuMemoryBytes,
    ],
    [
      'distillery_worker_gpu_memory_used_bytes',
      'How much of it is in use.',
      ({ gpuMemoryUsedBytes }) => gpuMemoryUsedBytes,
    ],
  ];
  for (const [name, help, of] of sums) {
    gauge(
      name,
      help,
      workers.flatMap((worker) => {
        const value = of(worker);
        return value === undefined ? [] : [[{ engine: worker.engine.name }, value] as const];
      }),
    );
  }
  const ratios = (part: keyof LiveWorker, whole: keyof LiveWorker) =>
    workers.flatMap((worker) =>
      worker[part] === undefined || worker[whole] === undefined
        ? []
        : [Number(worker[part]) / Number(worker[whole])],
    );
  const used = ratios('memoryUsedBytes', 'memoryBytes');
  gauge(
    'distillery_worker_memory_used_ratio_max',
    'The share of its memory that the fullest worker uses; GET /v1/workers tells which one it is.',
    used.length === 0 ? [] : [[{}, Math.max(...used)]],
  );
  const free = ratios('diskFreeBytes', 'diskBytes');
  gauge(
    'distillery_worker_disk_free_ratio_min',
    'The free share of the data disk of the worker that has least; GET /v1/workers tells which one it is.',
    free.length === 0 ? [] : [[{}, Math.min(...free)]],
  );
}

/** The requirements that have a label of their own are those that most stages have. */
function requirementLabels(demand: readonly Demand[]): (one: Demand) => string {
  const size = (one: Demand) => demandStates.reduce((sum, state) => sum + one[state], 0);
  const named = new Set([...demand].sort((a, b) => size(b) - size(a)).slice(0, mostRequirements));
  return (one) => (named.has(one) ? one.requires.join(',') : 'other');
}
