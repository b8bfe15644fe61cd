import type { JobView, StageView } from '@distillery/spec';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { privateApi, problem, spec, submitted } from '../testing/api.ts';
import { type Records, startRecords } from './records.ts';

const held = privateApi({ submissions: { atOnce: 1, waiting: 0 } });
const large = {
  ...spec,
  students: Array.from({ length: 6 }, (_, index) => ({ ...spec.students[0], name: `s${index}` })),
  seeds: Array.from({ length: 32 }, (_, seed) => seed),
};

let records: Records;
beforeAll(() => {
  records = startRecords({
    redisUrl: held.redis.url,
    store: held.redisDir,
    // Beside the head of the job, only the thread can read.
    services: { queue: { jobs: { header: held.queue.jobs.header } } } as never,
    warn: (message) => expect.unreachable(message),
  });
});
afterAll(() => records.close());

test('a thread answers for a large job as this thread does for a small one', async () => {
  const { id, stages } = await submitted(held, large);
  expect(stages.length).toBeGreaterThan(200);
  const { view, version } = await held.queue.jobs.get(id);
  expect(await records.ask('view', id)).toEqual({ tag: `"${version}.worker"`, view: JSON.stringify(view) });
  const small = await submitted(held);
  await expect(records.ask('view', small.id)).rejects.toThrow(TypeError);
  const rows = (limit: number) => records.ask('metrics', small.id, { csv: false, attempts: 'latest', limit });
  await expect(rows(1000)).rejects.toThrow(TypeError);
  expect(await rows(1001)).toEqual({
    text: '{"metrics":[],"after":null,"more":false}',
    after: null,
    more: false,
  });
  const page = await records.ask('stages', id, { limit: 2, after: stages[4].id });
  expect(JSON.parse(page)).toEqual({ stages: stages.slice(5, 7), next: stages[6].id });
  await expect(records.ask('stages', id, { limit: 2, after: 'none' })).rejects.toMatchObject({
    code: 'malformed_request',
    fields: [{ path: '#/query/after', value: 'none' }],
  });
  await expect(records.ask('view', 'job_none')).rejects.toMatchObject({
    code: 'job_not_found',
  });
});

test('a large job is shown, controlled and deleted like any other', async () => {
  const { id, stages } = await submitted(held, large);
  const shown = await held.request(`/v1/jobs/${id}`, { headers: { 'accept-encoding': 'identity' } });
  const tag = shown.headers.get('etag') as string;
  expect((await shown.json()) as JobView).toEqual((await held.queue.jobs.get(id)).view);
  const same = await held.request(`/v1/jobs/${id}`, { headers: { 'if-none-match': tag } });
  expect(same.status).toBe(304);
  const page = await held.request(`/v1/jobs/${id}/stages?state=queued`);
  expect(((await page.json()) as { stages: StageView[] }).stages.map((stage) => stage.id)).toEqual([
    'teacher',
  ]);
  expect(await (await held.request(`/v1/jobs/${id}/checkpoints`)).json()).toEqual({ checkpoints: [] });
  expect((await problem(await held.request(`/v1/jobs/${id}/report`))).code).toBe('not_ready');
  expect((await problem(await held.request(`/v1/jobs/${id}/teacher/weights`))).code).toBe('not_ready');
  const seedless = await held.request(`/v1/jobs/${id}/students/s1/weights?seed=99`);
  expect(await problem(seedless)).toMatchObject({ code: 'checkpoint_not_found' });
  const early = await held.request(`/v1/jobs/${id}`, { method: 'DELETE' });
  expect(await problem(early)).toMatchObject({ code: 'state_conflict' });
  const cancelled = (await (
    await held.request(`/v1/jobs/${id}/cancel`, { method: 'POST' })
  ).json()) as JobView;
  expect([cancelled.state, cancelled.stages.length]).toEqual(['cancelled', stages.length]);
  const retried = (await (await held.request(`/v1/jobs/${id}/retry`, { method: 'POST' })).json()) as JobView;
  expect(retried.state).toBe('queued');
  await held.queue.control.cancel(id);
  expect((await held.request(`/v1/jobs/${id}`, { method: 'DELETE' })).status).toBe(204);
  expect((await held.request(`/v1/jobs/${id}`)).status).toBe(404);
});

test('more submissions than may wait get 503 with Retry-After, and none of these makes a job', async () => {
  const answers = await Promise.all(
    Array.from({ length: 4 }, () => held.post('/v1/jobs', { ...spec, name: 'many' })),
  );
  const refused = answers.filter(({ status }) => status === 503);
  expect(refused).toHaveLength(3);
  expect(refused.map(({ headers }) => headers.get('retry-after'))).toEqual(Array(3).fill('2'));
  expect(await problem(refused[0])).toMatchObject({ code: 'overloaded' });
  expect((await held.queue.jobs.list({ name: 'many' })).jobs).toHaveLength(1);
});
