import type { StageProgress } from '@distillery/spec';
import { type Client, guarded } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';

/** The work of all jobs that have not ended, by kinds of stages. */
export interface InProgress {
  /** Stages of jobs that are queued or run which have not ended: also those that wait for others. */
  unfinished: Record<string, number>;
  /** The speed of the stages that train now, together, in samples per second. */
  samplesPerSecond: Record<string, number>;
}

/** Reads the work that is in progress. */
export function inProgressReader(redis: Client, keys: Keys): () => Promise<InProgress> {
  return guarded(async () => {
    const [backlog, running] = await Promise.all([redis.hvals(keys.backlog), redis.hvals(keys.running)]);
    const unfinished: InProgress['unfinished'] = {};
    for (const text of backlog) {
      for (const part of text.split(' ').slice(3)) {
        const [kind, stages] = part.split(':');
        unfinished[kind] = (unfinished[kind] ?? 0) + Number(stages);
      }
    }
    const stages = await Promise.all(
      running.map((text) => {
        const [job, stage] = text.split(' ');
        return redis.hmget(keys.job(job), `s:${stage}:kind`, `s:${stage}:progress`);
      }),
    );
    const samplesPerSecond: InProgress['samplesPerSecond'] = {};
    for (const [kind, progress] of stages) {
      if (!kind || !progress) continue;
      const { samplesPerSecond: speed } = JSON.parse(progress) as StageProgress;
      if (speed !== null) samplesPerSecond[kind] = (samplesPerSecond[kind] ?? 0) + speed;
    }
    return { unfinished, samplesPerSecond };
  });
}
