import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { graph, job, privateQueue } from '../testing/queue.ts';

const held = privateQueue();

test('the oldest attempt is that of the stage that runs for longest, whatever the state of its job', async () => {
  const { attempts, control, inventory, jobs } = held.queue;
  const begin = async () => {
    const { view } = await jobs.create(job({ stages: graph(['a']) }));
    const attempt = await attempts.begin(view.id, 'teacher', 'w');
    if ('skip' in attempt) throw new Error(attempt.skip);
    await delay(5);
    return attempt;
  };
  /** Whether the oldest attempt is this one. Clocks are read before and after; both are those of this machine. */
  const isOldest = async ({ jobId }: { jobId: string }) => {
    const { startedAt } = (await jobs.get(jobId)).view.stages[0];
    const before = Date.now();
    const milliseconds = await inventory.oldestAttempt();
    const start = Date.parse(startedAt as string);
    return start >= before - milliseconds - 2 && start <= Date.now() - milliseconds + 2;
  };
  expect(await inventory.oldestAttempt()).toBe(0);
  const [first, second, third] = [await begin(), await begin(), await begin()];
  expect(await isOldest(first)).toBe(true);
  await control.pause(first.jobId);
  expect(await isOldest(first)).toBe(true);
  await attempts.handBack(first);
  expect(await isOldest(second)).toBe(true);
  await attempts.succeed(second, {});
  expect(await isOldest(third)).toBe(true);
  await attempts.fail(third, { code: 'nan', message: 'diverged' });
  expect(await inventory.oldestAttempt()).toBe(0);
});
