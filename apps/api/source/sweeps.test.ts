import type { NewSweepInput, SweepPlan, SweepSummary, SweepView } from '@distillery/spec';
import { trainedNetwork } from '@distillery/training/testing';
import { expect, test } from 'vitest';
import { finish, type PrivateApi, privateApi, problem, spec } from './testing/api.ts';

const held = privateApi({ apiKeys: 'required', apiJobs: 4 });

async function caller(name: string, scope: 'read' | 'submit' | 'admin' = 'submit') {
  const { token } = await held.queue.apiKeys.create({ name, scope, jobs: null, rate: null });
  const headers = { authorization: `Bearer ${token}` };
  const send = (path: string, method = 'GET') => held.request(path, { method, headers });
  return {
    send,
    post: (path: string, body: unknown, more: Record<string, string> = {}) =>
      held.post(path, body, { ...headers, ...more }),
    get: async <T>(path: string) => (await (await send(path)).json()) as T,
  };
}

const sweep: NewSweepInput = {
  job: { ...spec, seeds: [1] },
  over: { '/students/0/method/0/temperature': { values: [1, 2, 3, 4, 5, 6] } },
};

async function refused(body: unknown) {
  const { post } = await caller('refused');
  const { code, errors } = await problem(await post('/v1/sweeps', body));
  return [code, errors as { path: string; message: string }[]] as const;
}

test('refusals name the path of the sweep, the value and the trial', async () => {
  const over = (paths: NewSweepInput['over'], more: object = {}) =>
    refused({ ...sweep, over: paths, ...more });
  expect(await over({ '/students/0/method/0/temperature': { values: [1, -3] } })).toMatchObject([
    'invalid_sweep',
    [
      {
        path: '/over/~1students~10~1method~10~1temperature',
        value: -3,
        message: expect.stringContaining('-3 of trial 2'),
      },
    ],
  ]);
  expect(
    await over({ '/students/0/architecture': { values: [{ type: 'lightnn', dropout: 7 }] } }),
  ).toMatchObject([
    'invalid_sweep',
    [
      {
        path: '/over/~1students~10~1architecture',
        message: expect.stringMatching(/of trial 1 at \/dropout: /),
      },
    ],
  ]);
  expect(await over({ '/students/3/name': { values: ['x'] } })).toMatchObject([
    'invalid_sweep',
    [
      {
        path: '/over/~1students~13~1name',
        message: expect.stringContaining('the list /students has 1 entry'),
      },
    ],
  ]);
  for (const path of ['/name', '/labels', '/until', '/baseline', '/seeds/0']) {
    expect(await over({ [path]: { values: [1] } }), path).toMatchObject([
      'invalid_sweep',
      [{ message: expect.stringContaining('cannot vary') }],
    ]);
  }
  expect(await over({ '/training': { values: [{}] }, '/training/epochs': { values: [1] } })).toMatchObject([
    'invalid_sweep',
    [{ path: '/over/~1training~1epochs', message: 'lies within /training, which varies too' }],
  ]);
  expect(
    await refused({ ...sweep, job: { ...spec, dataset: { source: 'shapes', trainCount: 1 } } }),
  ).toMatchObject(['invalid_sweep', [{ path: '/job/dataset/trainCount' }]]);
  expect(await refused({ ...sweep, job: { ...spec, validation: 0 } })).toMatchObject([
    'invalid_sweep',
    [{ path: '/job/validation' }],
  ]);
  expect(await refused({ ...sweep, objective: { student: 'other' } })).toMatchObject([
    'invalid_sweep',
    [{ path: '/objective/student', allowed: ['soft'] }],
  ]);
  const search = { type: 'halving' };
  expect(await over({ '/training/epochs': { values: [4, 8] } }, { search })).toMatchObject([
    'invalid_sweep',
    [{ message: expect.stringContaining('cannot vary with halving') }],
  ]);
  expect(await refused({ ...sweep, search: { ...search, minimumEpochs: 10 } })).toMatchObject([
    'invalid_sweep',
    [{ path: '/search/minimumEpochs', allowed: { exclusiveMaximum: 10 } }],
  ]);
  const bornAgain = { ...spec, procedure: 'born_again', validation: 0.1 };
  expect(await refused({ ...sweep, job: bornAgain, search })).toMatchObject([
    'invalid_sweep',
    [{ path: '/search/type' }],
  ]);
  expect(await refused({ ...sweep, over: {}, search: { type: 'tree' } })).toMatchObject([
    'invalid_sweep',
    expect.arrayContaining([
      expect.objectContaining({ path: '/over' }),
      expect.objectContaining({ path: '/search/type' }),
    ]),
  ]);
});

test('a plan queues nothing, and counts what trials share once', async () => {
  const ana = await caller('planner');
  const plan = (await (
    await ana.post('/v1/sweeps/validate', {
      ...sweep,
      search: { type: 'halving', minimumEpochs: 2, factor: 2 },
    })
  ).json()) as SweepPlan;
  expect(plan.rungs).toEqual([2, 4, 8, 10]);
  // Six begin, three go on, then one, and one to the end.
  expect(plan.estimate).toMatchObject({ trials: 6, jobs: 11, stages: 55 });
  expect(plan.trials[5]).toEqual({ '/students/0/method/0/temperature': 6 });
  expect(plan.student).toBe('soft');
  expect((await ana.get<{ sweeps: SweepSummary[] }>('/v1/sweeps?owner=planner')).sweeps).toEqual([]);
});

test('belongs to its owner, is safe to send twice, and is paged', async () => {
  const [ana, ben, reader, admin] = [
    await caller('ana'),
    await caller('ben'),
    await caller('reader', 'read'),
    await caller('boss', 'admin'),
  ];
  expect((await reader.post('/v1/sweeps', sweep)).status).toBe(403);
  const key = { 'idempotency-key': 'once' };
  const first = await ana.post('/v1/sweeps', sweep, key);
  const { id } = (await first.json()) as SweepView;
  expect([first.status, first.headers.get('location')]).toEqual([202, `/v1/sweeps/${id}`]);
  const again = await ana.post('/v1/sweeps', sweep, key);
  expect([((await again.json()) as SweepView).id, again.headers.get('idempotency-replayed')]).toEqual([
    id,
    'true',
  ]);
  expect((await problem(await ana.post('/v1/sweeps', { ...sweep, seed: 1 }, key))).code).toBe(
    'idempotency_conflict',
  );
  // The key of another owner, and of a job, is another key.
  expect(((await (await ben.post('/v1/sweeps', sweep, key)).json()) as SweepView).id).not.toBe(id);
  expect((await ana.post('/v1/jobs', spec, key)).status).toBe(202);

  for (const control of ['pause', 'resume', 'cancel']) {
    expect((await ben.send(`/v1/sweeps/${id}/${control}`, 'POST')).status).toBe(403);
  }
  expect((await ben.send(`/v1/sweeps/${id}`, 'DELETE')).status).toBe(403);
  expect((await reader.get<SweepView>(`/v1/sweeps/${id}`)).owner).toBe('ana');
  expect((await problem(await ana.send(`/v1/sweeps/${id}`, 'DELETE'))).code).toBe('state_conflict');

  const page = await reader.get<{ sweeps: SweepSummary[]; next: string }>('/v1/sweeps?limit=1');
  expect(page.sweeps.map(({ owner }) => owner)).toEqual(['ben']);
  const next = await reader.get<typeof page>(`/v1/sweeps?limit=1&after=${page.next}`);
  expect(next.sweeps.map((one) => one.id)).toEqual([id]);
  expect((await reader.get<typeof page>('/v1/sweeps?owner=ana&state=running')).sweeps).toHaveLength(1);
  expect((await reader.get<typeof page>('/v1/sweeps?state=failed')).sweeps).toEqual([]);

  expect((await ana.send(`/v1/sweeps/${id}/cancel`, 'POST')).status).toBe(200);
  await until(async () => (await ana.get<SweepView>(`/v1/sweeps/${id}`)).state === 'cancelled');
  expect((await admin.send(`/v1/sweeps/${id}`, 'DELETE')).status).toBe(204);
  expect((await problem(await ana.send(`/v1/sweeps/${id}`))).code).toBe('sweep_not_found');
});

test('waits while its owner has as many jobs as it may have, and several APIs drive it as one does', {
  timeout: 60_000,
}, async () => {
  const others = await Promise.all([held.start(), held.start()]);
  const cara = await caller('cara');
  const { id } = (await (await cara.post('/v1/sweeps', { ...sweep, parallel: 6 })).json()) as SweepView;
  const view = () => cara.get<SweepView>(`/v1/sweeps/${id}`);
  const jobs = async () => (await held.queue.jobs.list({ labels: { sweep: id } })).jobs;
  try {
    await until(async () => (await jobs()).length === 4);
    // Each trial ends as another API, or none, looks after it.
    for (let ended = 0; ended < 6; ended++) {
      await until(async () => (await jobs()).some(({ state }) => state === 'queued'));
      const job = (await jobs()).findLast(({ state }) => state === 'queued');
      if (job === undefined) throw new Error('no job is queued');
      await complete(held, job.id, 0.5 + Number(job.labels.trial) / 100);
      if (ended === 1) await others[0].close();
    }
    await until(async () => (await view()).state === 'succeeded');
  } finally {
    await Promise.all(others.map((api) => api.close()));
  }
  expect((await jobs()).map(({ labels }) => labels.trial).sort()).toEqual(['1', '2', '3', '4', '5', '6']);
  const { leaderboard, trials } = await view();
  expect(leaderboard.map(({ trial }) => trial)).toEqual([6, 5, 4, 3, 2, 1]);
  expect(leaderboard[0]).toMatchObject({
    validation: { best: { mean: 0.56, sd: null } },
    overControl: { best: { mean: 0.56 - 0.4 } },
    test: { accuracy: { best: { mean: 0.7 } }, overControl: { best: { mean: 0 } } },
  });
  expect(trials.every(({ jobs: own }) => own.length === 1)).toBe(true);
});

test('the test set is not shown of trials that may go on', async () => {
  const dora = await caller('dora');
  const search = { type: 'halving', minimumEpochs: 1, factor: 2 };
  const { id } = (await (
    await dora.post('/v1/sweeps', { ...sweep, search, parallel: 2 })
  ).json()) as SweepView;
  const jobs = async () => (await held.queue.jobs.list({ labels: { sweep: id } })).jobs;
  await until(async () => (await jobs()).length === 2);
  for (const { id: job, labels } of await jobs()) await complete(held, job, 0.5 + Number(labels.trial) / 100);
  const view = () => dora.get<SweepView>(`/v1/sweeps/${id}`);
  // The better one goes on, and the other is held.
  await until(async () => (await view()).trials[1].jobs.length === 2);
  const now = await view();
  expect(now.trials.slice(0, 2).map(({ state }) => state)).toEqual(['held', 'running']);
  expect(now.leaderboard.map(({ trial, epochs, test: shown }) => [trial, epochs, shown])).toEqual([
    [2, 1, null],
    [1, 1, null],
  ]);
  await dora.send(`/v1/sweeps/${id}/cancel`, 'POST');
  await until(async () => (await view()).state === 'cancelled');
  expect((await view()).leaderboard[0].test).not.toBeNull();
});

/** Ends a job as workers would, with a report in which the student has this validation accuracy and its control 0.4. */
async function complete(api: PrivateApi, id: string, validationAccuracy: number): Promise<void> {
  const { stages } = await api.queue.jobs.plan(id);
  const run = (accuracy: number) => {
    const network = trainedNetwork();
    const score = { ...network.best, validationAccuracy: accuracy, agreement: null, teacherDivergence: null };
    return { ...network, seed: 1, best: score, last: score };
  };
  const students = [
    { name: 'control', control: null, runs: [run(0.4)] },
    { name: 'soft', control: 'control', runs: [run(validationAccuracy)] },
  ];
  for (const stage of stages) {
    await finish(api, id, stage.id, stage.kind === 'report' ? { report: { students } } : {});
  }
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 20_000; !(await holds()); ) {
    if (Date.now() > end) throw new Error('the condition did not hold in time');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
