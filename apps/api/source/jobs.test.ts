import type { JobView, StageView } from '@distillery/spec';
import { expect, test } from 'vitest';
import { finish, privateApi, problem, spec, submitted } from './testing/api.ts';

const held = privateApi();

test("POST answers 202 with the job's location, and its stages are enqueued", async () => {
  const response = await held.post('/v1/jobs', spec);
  expect(response.status).toBe(202);
  const view = (await response.json()) as { id: string };
  expect(response.headers.get('location')).toBe(`/v1/jobs/${view.id}`);
  expect(view).toMatchObject({ name: 'First Try!', labels: { team: 'blue' }, state: 'queued', progress: 0 });
  expect(await held.queue.jobs.spec(view.id)).toMatchObject({
    posted: spec,
    spec: { ...spec, training: { batchSize: 128 } },
  });
  const taken: string[] = [];
  const consumer = await held.queue.stages.consume(
    async ({ jobId, stageId }) => {
      if (jobId === view.id) taken.push(stageId);
      return 1;
    },
    { worker: 'w' },
  );
  await expect
    .poll(async () => (await held.queue.jobs.get(view.id)).view.state, { timeout: 20_000 })
    .toBe('succeeded');
  await consumer.close();
  expect(taken.sort()).toEqual([
    'outputs',
    'report',
    'student.control.42',
    'student.control.7',
    'student.soft.42',
    'student.soft.7',
    'teacher',
  ]);
});

test('an idempotency key returns the first job again, and refuses another body', async () => {
  const key = { 'idempotency-key': 'abc-1' };
  const answers = await Promise.all(Array.from({ length: 5 }, () => held.post('/v1/jobs', spec, key)));
  const bodies = await Promise.all(answers.map((answer) => answer.text()));
  expect(new Set(bodies).size).toBe(1);
  expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(202));
  expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === 'true')).toHaveLength(4);

  const reordered = Object.fromEntries(Object.entries(spec).reverse());
  const { id } = JSON.parse(bodies[0]) as { id: string };
  await finish(held, id, 'teacher', {});
  const again = await held.post('/v1/jobs', reordered, key);
  expect([again.status, again.headers.get('location')]).toEqual([202, `/v1/jobs/${id}`]);
  expect(await again.text()).toBe(bodies[0]);

  const conflict = await held.post('/v1/jobs', { ...spec, name: 'other' }, key);
  expect(conflict.status).toBe(422);
  expect((await problem(conflict)).code).toBe('idempotency_conflict');
  const bad = await held.post('/v1/jobs', spec, { 'idempotency-key': 'a b' });
  expect(await problem(bad)).toMatchObject({
    code: 'malformed_request',
    errors: [{ path: '#/headers/idempotency-key', value: 'a b' }],
  });
});

test('validate returns the plan and submits nothing', async () => {
  const before = (await held.queue.jobs.list({ limit: 100 })).jobs.length;
  const response = await held.post('/v1/jobs/validate', spec);
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({
    teachers: [{ name: 'teacher', parameters: 1186986 }],
    students: [
      { name: 'control', teachers: [] },
      { name: 'soft', control: 'control', parameters: 267738 },
    ],
    estimate: { memoryBytes: expect.any(Number) },
  });
  const refused = await held.post('/v1/jobs/validate', { ...spec, seeds: [1, 1] });
  expect((await problem(refused)).code).toBe('invalid_spec');
  expect((await held.queue.jobs.list({ limit: 100 })).jobs).toHaveLength(before);
});

test('an invalid spec gets one entry for each invalid field, with the allowed values', async () => {
  const before = (await held.queue.jobs.list({ limit: 100 })).jobs.length;
  const response = await held.post('/v1/jobs', {
    ...spec,
    teacher: { architecture: { type: 'deepn' } },
    training: { epochs: 0, optimizer: { type: 'adam', learningrate: 1 } },
    color: 'red',
  });
  expect(response.status).toBe(422);
  const { code, errors } = await problem(response);
  expect(code).toBe('invalid_spec');
  expect(errors).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        path: '/teacher/architecture/type',
        allowed: expect.arrayContaining(['deepnn', 'lightnn']),
      }),
      expect.objectContaining({ path: '/training/epochs', value: 0, allowed: { minimum: 1 } }),
      expect.objectContaining({ path: '/training/optimizer/learningrate', value: 1 }),
      expect.objectContaining({ path: '/color', value: 'red' }),
    ]),
  );
  expect(errors).toHaveLength(4);
  const unfit = await held.post('/v1/jobs', {
    ...spec,
    students: [{ ...spec.students[0], method: [{ type: 'cosine', teacher: 'nowhere' }] }],
  });
  expect(await problem(unfit)).toMatchObject({
    code: 'invalid_spec',
    errors: [{ path: expect.stringMatching(/^\/students\/0\/method\/0/) }],
  });
  expect((await held.queue.jobs.list({ limit: 100 })).jobs).toHaveLength(before);
});

test('the list filters by state, labels and name, in pages', async () => {
  for (let i = 0; i < 5; i++)
    await submitted(held, { name: `sweep ${i}`, labels: { sweep: 'a', odd: `${i % 2}` } });
  const names = async (query: string) => {
    const response = await held.request(`/v1/jobs?${query}`);
    const { jobs, next } = (await response.json()) as { jobs: { name: string }[]; next: string | null };
    return { names: jobs.map(({ name }) => name), next };
  };
  expect((await names('label=sweep=a')).names).toEqual([
    'sweep 4',
    'sweep 3',
    'sweep 2',
    'sweep 1',
    'sweep 0',
  ]);
  expect((await names('label=sweep=a&label=odd=1')).names).toEqual(['sweep 3', 'sweep 1']);
  expect((await names('name=SWEEP+2')).names).toEqual(['sweep 2']);
  expect((await names('label=sweep=a&state=running')).names).toEqual([]);
  const first = await names('label=sweep=a&limit=3');
  expect(first.names).toEqual(['sweep 4', 'sweep 3', 'sweep 2']);
  const second = await names(`label=sweep=a&limit=3&after=${first.next}`);
  expect(second).toEqual({ names: ['sweep 1', 'sweep 0'], next: null });
  for (const [query, path] of [
    ['limit=0', '#/query/limit'],
    ['limit=101', '#/query/limit'],
    ['limit=x', '#/query/limit'],
    ['state=done', '#/query/state'],
    ['label=x', '#/query/label'],
    ['order=asc', '#/query/order'],
  ]) {
    const response = await held.request(`/v1/jobs?${query}`);
    expect(response.status).toBe(400);
    expect(await problem(response)).toMatchObject({ code: 'malformed_request', errors: [{ path }] });
  }
});

test("a job's entity tag changes with the job", async () => {
  const { id } = await submitted(held);
  // The tag of a compressed answer is weak.
  const first = await held.request(`/v1/jobs/${id}`, { headers: { 'accept-encoding': 'identity' } });
  const tag = first.headers.get('etag') as string;
  // What it waits for depends on the workers, so it is a part of the tag.
  expect(tag).toBe('"1.worker"');
  for (const known of [tag, `W/${tag}`, `"x", ${tag}`, '*']) {
    const same = await held.request(`/v1/jobs/${id}`, { headers: { 'if-none-match': known } });
    expect([same.status, await same.text(), same.headers.get('etag')]).toEqual([304, '', tag]);
  }
  await finish(held, id, 'teacher', {});
  const changed = await held.request(`/v1/jobs/${id}`, { headers: { 'if-none-match': tag } });
  expect(changed.status).toBe(200);
  const view = (await changed.json()) as JobView;
  expect(view.state).toBe('running');
  expect(view.stages[0]).toMatchObject({ state: 'succeeded', attempt: 1 });
});

test('a list has counts instead of stages, which have pages of their own', async () => {
  const { id } = await submitted(held, { name: 'paged' });
  await finish(held, id, 'teacher', {});
  const list = await (await held.request('/v1/jobs?name=paged')).json();
  const counts = { succeeded: 1, queued: 1, running: 0, failed: 0, cancelled: 0 };
  expect(list).toMatchObject({ next: null, jobs: [{ id, warnings: 0, stages: counts }] });
  const view = (await (await held.request(`/v1/jobs/${id}`)).json()) as JobView;
  const page = async (query: string) => {
    const response = await held.request(`/v1/jobs/${id}/stages?${query}`);
    return (await response.json()) as { stages: StageView[]; next: string | null };
  };
  const first = await page('limit=2');
  expect(first).toEqual({ stages: view.stages.slice(0, 2), next: view.stages[1].id });
  expect(await page(`limit=100&after=${first.next}`)).toEqual({ stages: view.stages.slice(2), next: null });
  const queued = view.stages.filter(({ state }) => state === 'queued');
  expect(queued).toHaveLength(1);
  expect(await page('state=queued&limit=1')).toEqual({ stages: queued, next: null });
  const wrong = await held.request(`/v1/jobs/${id}/stages?after=nothing`);
  expect(await problem(wrong)).toMatchObject({
    code: 'malformed_request',
    errors: [{ path: '#/query/after' }],
  });
});

test('without a worker a submitted job and its plan say so', async () => {
  const job = await submitted(held);
  expect(job).toMatchObject({ state: 'queued', waitingFor: 'worker', etaSeconds: null });
  const plan = await (await held.post('/v1/jobs/validate', spec)).json();
  expect(plan).toMatchObject({ warnings: [expect.stringContaining('no worker is running')] });
});

test('a request with the idempotency key of a deleted job creates a job anew', async () => {
  const post = async () => held.post('/v1/jobs', spec, { 'idempotency-key': 'of-a-deleted-job' });
  const { id } = (await (await post()).json()) as JobView;
  await held.queue.control.cancel(id);
  expect((await held.request(`/v1/jobs/${id}`, { method: 'DELETE' })).status).toBe(204);
  const again = await post();
  expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, null]);
  expect(((await again.json()) as JobView).id).not.toBe(id);
});
