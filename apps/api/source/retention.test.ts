import { expect, test } from 'vitest';
import { privateApi, submitted } from './testing/api.ts';

const held = privateApi();

test('with RETAIN_JOBS only the jobs that ended last are kept, and jobs that go on', async () => {
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) ids.push((await submitted(held)).id);
  const [first, second, third] = ids;
  const unfinished = (await submitted(held)).id;
  for (const id of [second, first, third]) await held.queue.control.cancel(id);
  const kept = async () => (await held.queue.jobs.list({ limit: 100 })).jobs.map(({ id }) => id).toSorted();
  expect(await kept(), 'off by default').toEqual([...ids, unfinished].toSorted());
  const api = await held.start({ retainJobs: 2 });
  await expect.poll(kept, { timeout: 10_000 }).toEqual([first, third, unfinished].toSorted());
  await api.close();
});
