import {
  type JobState,
  jobStates,
  type RunningStage,
  type StageProgress,
  type WorkersView,
} from '@distillery/spec';
import { type Client, guarded } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import { furthestOf } from './record.ts';
import { capabilitiesOf, type Workers } from './workers.ts';

const stageFields = ['worker', 'attempt', 'startedAt', 'progress', 'furthest'] as const;

/** Reads which workers are alive, what each of them runs, and what waits. */
export function workloadReader(redis: Client, keys: Keys, workers: Workers): () => Promise<WorkersView> {
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

  return guarded(async () => {
    const [live, running, ready, delayed, ...counts] = await Promise.all([
      workers.list(),
      redis.hgetall(keys.running),
      redis.zcard(keys.ready),
      redis.zcard(keys.delayed),
      ...jobStates.map((state) => redis.zcard(keys.inState(state))),
    ]);
    const stages = await Promise.all(Object.values(running).map(runningOf));
    return {
      workers: live.map(({ stage: _newest, labels = [], memoryBytes = null, trainers = 1, ...worker }) => ({
        ...worker,
        memoryBytes,
        trainers,
        capabilities: capabilitiesOf({ ...worker, labels }),
        stages: stages.filter((one) => one.worker === worker.id).map(({ stage }) => stage),
      })),
      queue: {
        ready: ready + delayed,
        running: stages.length,
        jobs: Object.fromEntries(jobStates.map((state, i) => [state, counts[i]])) as Record<JobState, number>,
      },
    };
  });
}
