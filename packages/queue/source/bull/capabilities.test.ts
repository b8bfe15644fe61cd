import { expect, test } from 'vitest';
import { capabilitiesOf, openQueue } from '../index.ts';
import { engine, graph, job, privateQueue, until } from '../testing/queue.ts';

const held = privateQueue();
const gib = 1024 ** 3;
const [stage] = graph();

test('stages go to workers that have what they require, and tell what is missing', async () => {
  const { jobs, stages, workers } = held.queue;
  const gpu = { ...engine, name: 'gpu' };
  const infos = [
    { id: 'cpu', engine, labels: ['a100'] },
    { id: 'small', engine: gpu, gpuMemoryBytes: 16 * gib },
    { id: 'large', engine: gpu, gpuMemoryBytes: 80 * gib, labels: ['a100'] },
  ];
  const wanted: Record<string, string[]> = {
    small: ['gpu', `gpuMemory>=${16 * gib}`],
    large: [`gpuMemory>=${16 * gib + 1}`],
    labelled: ['gpu', 'label:a100'],
    processor: ['cpu'],
    never: ['gpu', `gpuMemory>=${81 * gib}`, 'label:a100'],
  };
  const registered = await Promise.all(
    infos.map((info) => workers.register({ ...info, host: 'h', version: '0' })),
  );
  const { view } = await jobs.create(
    job({ stages: Object.entries(wanted).map(([id, requires]) => ({ ...stage, id, requires })) }),
  );
  // At once, in the answer to the request that posts the job.
  expect(view.stages.map(({ id, waitingFor, missing }) => [id, waitingFor, missing])).toEqual([
    ['small', 'turn', []],
    ['large', 'turn', []],
    ['labelled', 'turn', []],
    ['processor', 'turn', []],
    ['never', 'capability', [`gpuMemory>=${81 * gib}`]],
  ]);
  await stages.offer();
  const ran: Record<string, string> = {};
  const consumers = [];
  // Each comes once those before it have taken what they can, so that only requirements keep a stage for it.
  const expected = [['processor'], ['small'], ['large', 'labelled']];
  for (const [index, info] of infos.entries()) {
    consumers.push(
      await stages.consume(
        async ({ stageId }) => {
          ran[stageId] = info.id;
        },
        { worker: info.id, capabilities: capabilitiesOf(info) },
      ),
    );
    await until(
      async () => expected[index],
      (ids) => ids.every((id) => id in ran),
    );
  }
  expect(ran).toEqual({ small: 'small', large: 'large', labelled: 'large', processor: 'cpu' });
  const other = await openQueue({ url: held.redis.url });
  expect(await other.demand()).toMatchObject([{ requires: wanted.never, ready: 1 }]);
  const { workers: live } = await other.workload();
  expect(live.find(({ id }) => id === 'large')?.capabilities).toEqual([
    'gpu',
    'bfloat16',
    `gpuMemory=${80 * gib}`,
    'label:a100',
  ]);
  await other.close();
  await Promise.all([...consumers.map((one) => one.close()), ...registered.map((one) => one.stop())]);
});
