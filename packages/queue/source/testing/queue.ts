import { afterAll, beforeAll } from 'vitest';
import type { EngineInfo, StagePlan, StageProgress } from '@distillery/spec';
import {
  type DistilleryQueue,
  type NewJob,
  openQueue,
  type PrivateRedis,
  startPrivateRedis,
} from '../index.ts';

/** Starts a Redis server for one test file, and a queue on it that waits for Redis as a worker's does. */
export function privateQueue(): { queue: DistilleryQueue; redis: PrivateRedis } {
  const held = {} as { queue: DistilleryQueue; redis: PrivateRedis };
  beforeAll(async () => {
    held.redis = await startPrivateRedis();
    held.queue = await openQueue({ url: held.redis.url, onOutage: 'wait' });
  });
  afterAll(async () => {
    await held.queue?.close();
    await held.redis?.stop();
  });
  return held;
}

/** The stages of a job: teacher → outputs → students → report. */
export function graph(students = ['a', 'b']): StagePlan[] {
  const ids = students.map((name) => `student.${name}.42`);
  return [
    {
      id: 'teacher',
      kind: 'teacher',
      needs: [],
      work: 60,
      input: {},
      networks: [{ name: 'teacher', control: null }],
    },
    {
      id: 'outputs',
      kind: 'outputs',
      needs: ['teacher'],
      work: 20,
      input: {},
      networks: [{ name: 'teacher', control: null }],
    },
    ...ids.map((id, i) => ({
      id,
      kind: 'student',
      needs: ['outputs'],
      work: 10,
      input: {},
      networks: [{ name: students[i], control: null }],
      seed: 42,
    })),
    { id: 'report', kind: 'report', needs: ids, work: 0, input: {} },
  ];
}

export function job({
  stages = graph(),
  ...over
}: Partial<Omit<NewJob, 'plan'>> & { stages?: StagePlan[] } = {}): NewJob {
  const plan = { version: 1, distillery: '0.0.0', stages };
  return { name: null, labels: {}, posted: { teacher: 1 }, spec: { teacher: 1 }, plan, ...over };
}

/** The progress of a stage that is half done. */
export const progress: StageProgress = {
  phase: 'training',
  epoch: 1,
  epochs: 2,
  step: 5,
  steps: 10,
  loss: 0.5,
  samplesPerSecond: 100,
  fraction: 0.5,
};

export const engine: EngineInfo = {
  name: 'cpu',
  backend: 'cpu',
  bfloat16: null,
  eagerSteps: null,
  threads: 1,
  versions: {},
  hardware: 'test',
  gigaflops: 1.5,
};

/** Reads until a condition holds. @throws Error after ten seconds */
export async function until<T>(read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (const end = Date.now() + 10_000; ; ) {
    const value = await read();
    if (holds(value)) return value;
    if (Date.now() > end)
      throw new Error(`the condition did not hold in time, last: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
