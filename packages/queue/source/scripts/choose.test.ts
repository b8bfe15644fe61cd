import type { StagePlan } from '@distillery/spec';
import { expect, test } from 'vitest';
import type { StageRun } from '../index.ts';
import { graph, job, privateQueue, until } from '../testing/queue.ts';

const held = privateQueue();

/** A job whose teacher is the one that others with the same key make. */
function withTeacher(shares: string): StagePlan[] {
  return graph(['a']).map((stage) => (stage.kind === 'teacher' ? { ...stage, shares } : stage));
}

test('of the stages that make the same, one runs at a time, and others run meanwhile', async () => {
  const submit = async (stages: StagePlan[]) => (await held.queue.jobs.create(job({ stages }))).view.id;
  const ids = [
    await submit(withTeacher('same')),
    await submit(withTeacher('same')),
    await submit(withTeacher('other')),
  ];
  const running = new Set<string>();
  const seen: string[][] = [];
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const handler = async ({ jobId, stageId }: StageRun) => {
    if (stageId !== 'teacher') return {};
    running.add(jobId);
    seen.push([...running]);
    if (jobId === ids[0]) await released;
    running.delete(jobId);
    return {};
  };
  const consumers = await Promise.all(
    ['one', 'two', 'three'].map((worker) =>
      held.queue.stages.consume(handler, { worker, lockDuration: 5000 }),
    ),
  );
  try {
    await held.queue.stages.offer();
    const stateOf = async (id: string) => (await held.queue.jobs.get(id)).view;
    // The third job ends while the first holds what the second waits for.
    await until(
      () => stateOf(ids[2]),
      ({ state }) => state === 'succeeded',
    );
    const [teacher] = (await stateOf(ids[1])).stages;
    expect([teacher.state, teacher.attempt]).toEqual(['queued', 0]);
    release();
    await until(
      () => stateOf(ids[1]),
      ({ state }) => state === 'succeeded',
    );
    expect(seen.some((now) => now.includes(ids[0]) && now.includes(ids[1]))).toBe(false);
    expect(seen.some((now) => now.includes(ids[0]) && now.includes(ids[2]))).toBe(true);
  } finally {
    release();
    await Promise.all(consumers.map((consumer) => consumer.close()));
  }
});
