import { expect, test } from 'vitest';
import { job, privateQueue, until } from '../testing/queue.ts';

const held = privateQueue();

test('stages of a higher priority are taken first, of an equal one in the order of their jobs', async () => {
  const names = new Map<string, string>();
  const submit = async (name: string, priority: number) => {
    const stages = ['one', 'two'].map((id) => ({ id, kind: 'teacher', needs: [], work: 1, input: {} }));
    const { view } = await held.queue.jobs.create(job({ priority, stages }));
    expect(view.priority).toBe(priority);
    names.set(view.id, name);
    await held.queue.stages.enqueueOpen(view.id);
    return view.id;
  };
  const ids = [
    await submit('low', -10),
    await submit('first', 0),
    await submit('second', 0),
    await submit('high', 10),
  ];
  const order: string[] = [];
  const consumer = await held.queue.stages.consume(
    async ({ jobId, stageId }) => {
      order.push(`${names.get(jobId)} ${stageId}`);
    },
    { worker: 'w' },
  );
  try {
    for (const id of ids) {
      await until(
        async () => (await held.queue.jobs.get(id)).view.state,
        (state) => state === 'succeeded',
      );
    }
    expect(order).toEqual(
      ['high', 'first', 'second', 'low'].flatMap((name) => [`${name} one`, `${name} two`]),
    );
  } finally {
    await consumer.close();
  }
});
