import type { DemandView, JobView } from '@distillery/spec';
import { expect, test } from 'vitest';
import { privateApi, problem, spec } from './testing/api.ts';

const held = privateApi({ metricsPort: 0 });

async function demand(query = ''): Promise<DemandView> {
  const response = await held.request(`/v1/demand${query}`);
  expect(response.status).toBe(200);
  return (await response.json()) as DemandView;
}

/** The sum of the series `distillery_stages` on /metrics. */
async function onMetrics(): Promise<number> {
  const text = await (await held.request('/metrics')).text();
  return [...text.matchAll(/^distillery_stages\{.*\} (\d+)$/gm)].reduce(
    (sum, [, value]) => sum + Number(value),
    0,
  );
}

/** KEDA's number, which is the same on every port and page. */
async function stages(): Promise<number> {
  const { stages: number } = await demand();
  expect(await onMetrics()).toBe(number);
  const other = await fetch(`http://127.0.0.1:${held.api.metricsPort}/v1/demand`);
  expect(((await other.json()) as DemandView).stages).toBe(number);
  return number;
}

async function begin(id: string, stage: string) {
  const begun = await held.queue.attempts.begin(id, stage, 'w');
  if ('skip' in begun) throw new Error(begun.skip);
  return begun;
}

const order = async (id: string, what: string) =>
  expect((await held.request(`/v1/jobs/${id}/${what}`, { method: 'POST' })).status).toBe(200);

test('the number is right from no worker through running, pause and retry to the end', async () => {
  const { attempts } = held.queue;
  expect(await demand()).toEqual({ stages: 0, byRequirement: [] });
  const post = async (over = {}) => {
    const response = await held.post('/v1/jobs', { ...spec, seeds: [42], ...over });
    expect(response.status).toBe(202);
    return ((await response.json()) as JobView).id;
  };
  const id = await post();
  const other = await post({ training: { precision: 'bfloat16' } });
  // No worker is alive: only the teachers could run, the other stages wait for them.
  expect(await stages()).toBe(2);
  const waiting = { ready: 1, delayed: 0, running: 0 };
  expect((await demand()).byRequirement).toEqual([
    { requires: [], ...waiting },
    { requires: ['bfloat16'], ...waiting },
  ]);
  expect((await demand('?requires=bfloat16')).stages).toBe(1);
  expect((await demand('?without=bfloat16')).stages).toBe(1);
  expect((await demand('?requires=bfloat16&requires=gpu')).stages).toBe(0);

  const first = await begin(other, 'teacher');
  expect((await demand('?requires=bfloat16')).byRequirement).toEqual([
    { requires: ['bfloat16'], ready: 0, delayed: 0, running: 1 },
  ]);
  await attempts.fail(first, { code: 'trainer_crashed', message: 'it ended' }, 5);
  expect((await demand('?requires=bfloat16')).byRequirement).toEqual([
    { requires: ['bfloat16'], ready: 0, delayed: 1, running: 0 },
  ]);
  expect(await stages()).toBe(2);
  await order(other, 'cancel');
  expect(await stages()).toBe(1);

  const running = await begin(id, 'teacher');
  await order(id, 'pause');
  expect(await stages(), 'while its worker writes a checkpoint').toBe(1);
  await attempts.handBack(running);
  expect(await stages(), 'paused').toBe(0);
  await order(id, 'resume');
  expect(await stages()).toBe(1);
  await attempts.fail(await begin(id, 'teacher'), { code: 'nan', message: 'a loss' }, 1);
  expect(await stages(), 'failed').toBe(0);
  await order(id, 'retry');
  expect(await stages(), 'retried').toBe(1);

  // Each stage that ends makes others ready in the same step, so that the number is 0 only at the end.
  for (;;) {
    const { view } = await held.queue.jobs.get(id);
    const next = view.stages.find(({ state }) => state === 'queued');
    if (next === undefined) break;
    expect(await stages()).toBeGreaterThan(0);
    await attempts.succeed(await begin(id, next.id), {});
  }
  expect((await held.queue.jobs.get(id)).view.state).toBe('succeeded');
  expect(await stages()).toBe(0);
});

test('unknown parameters are refused on both ports', async () => {
  for (const url of [held.api.url, `http://127.0.0.1:${held.api.metricsPort}`]) {
    const refused = await fetch(`${url}/v1/demand?requirs=gpu`);
    expect([refused.status, (await problem(refused)).code]).toEqual([400, 'malformed_request']);
  }
});
