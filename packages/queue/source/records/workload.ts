import {
  type JobState,
  jobStates,
  projectOf,
  type RunningStage,
  type StageProgress,
  type WorkersView,
} from '@distillery/spec';
import { type Client, guarded } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import { furthestOf } from './record.ts';
import { run, script } from '../redis/script.ts';
import { capabilitiesOf, type Workers } from './workers.ts';

const stageFields = ['worker', 'attempt', 'startedAt', 'progress', 'furthest'] as const;

/** The jobs of a project in each state. KEYS: index of the project. ARGV: what the keys of all jobs begin with. Returns states. */
const statesScript = script(`
local states = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  table.insert(states, redis.call('HGET', ARGV[1] .. id, 'state') or '')
end
return states
`);

/** Reads which workers are alive, what each of them runs, and what waits: of all, or of the jobs of a project. */
export function workloadReader(
  redis: Client,
  keys: Keys,
  workers: Workers,
): (project?: string) => Promise<WorkersView> {
  /** What is seen of the lists: the members of a project's owners. */
  async function seenBy(project: string) {
    const isIts = (owner: string | undefined) => projectOf(owner ?? null) === project;
    const [running, ready, delayed, states] = await Promise.all([
      redis.hgetall(keys.running),
      redis.zrange(keys.ready, '0', '-1'),
      redis.zrange(keys.delayed, '0', '-1'),
      run(redis, statesScript, [keys.ofProject(project)], [keys.job('')]) as Promise<string[]>,
    ]);
    return {
      running: Object.values(running).filter((text) => isIts(text.split(' ').at(-1))),
      ready: [...ready, ...delayed].filter((text) => isIts(text.split(' ')[1])).length,
      counts: jobStates.map((state) => states.filter((one) => one === state).length),
    };
  }

  async function everything() {
    const [running, ready, delayed, ...counts] = await Promise.all([
      redis.hgetall(keys.running),
      redis.zcard(keys.ready),
      redis.zcard(keys.delayed),
      ...jobStates.map((state) => redis.zcard(keys.inState(state))),
    ]);
    return { running: Object.values(running), ready: ready + delayed, counts };
  }

  async function runningOf(entry: string): Promise<{ worker: string | null; stage: RunningStage }> {
    const [job, stage] = entry.split(' ');
    const [jobName, worker, attempt, startedAt, progress, furthest] = await redis.hmget(
      keys.job(job),
      'name',
      ...stageFields.map((field) => `s:${stage}:${field}`),
    );
    return {
      worker,
      stage: {
        job,
        jobName,
        stage,
        attempt: Number(attempt),
        startedAt: startedAt === null ? null : new Date(Number(startedAt)).toISOString(),
        progress: furthestOf(progress ?? undefined, furthest ?? undefined) satisfies StageProgress | null,
      },
    };
  }

  return guarded(async (project?: string) => {
    const [live, { running, ready, counts }] = await Promise.all([
      workers.list(),
      project === undefined ? everything() : seenBy(project),
    ]);
    const stages = await Promise.all(running.map(runningOf));
    return {
      workers: live.map(({ stage: _newest, labels = [], memoryBytes = null, trainers = 1, ...worker }) => ({
        ...worker,
        memoryBytes,
        trainers,
        capabilities: capabilitiesOf({ ...worker, labels }),
        stages: stages.filter((one) => one.worker === worker.id).map(({ stage }) => stage),
      })),
      queue: {
        ready,
        running: stages.length,
        jobs: Object.fromEntries(jobStates.map((state, i) => [state, counts[i]])) as Record<JobState, number>,
      },
    };
  });
}
