import { engine } from '@distillery/queue/testing';
import { expect, test } from 'vitest';
import { outputsResult, studentResult, teacherResult } from '@distillery/training/testing';
import { finish, privateApi, problem, submitted } from './testing/api.ts';

const held = privateApi();

const row = (step: number, values: Record<string, number>) => ({
  epoch: 1,
  step,
  time: '2026-01-01T00:00:00.000Z',
  values,
});

test('metrics are JSON or CSV, in pages, filtered by stage', async () => {
  const { attempts } = held.queue;
  const { id } = await submitted(held);
  const teacher = await attempts.begin(id, 'teacher', 'w');
  if ('skip' in teacher) throw new Error(teacher.skip);
  await attempts.metrics(teacher, [row(1, { loss: 2.5 }), row(2, { loss: Number.NaN, 'a,"b"': 1e-7 })]);
  await attempts.succeed(teacher, teacherResult());
  const outputs = await attempts.begin(id, 'outputs', 'w');
  if ('skip' in outputs) throw new Error(outputs.skip);
  await attempts.metrics(outputs, [row(1, { seen: 10 })]);

  const path = `/v1/jobs/${id}/metrics`;
  const all = (await (await held.request(path)).json()) as { metrics: unknown[] };
  expect(all).toMatchObject({ more: false, after: expect.any(String) });
  expect(all.metrics).toEqual([
    { stage: 'teacher', attempt: 1, ...row(1, { loss: 2.5 }) },
    { stage: 'teacher', attempt: 1, ...row(2, {}), values: { loss: null, 'a,"b"': 1e-7 } },
    { stage: 'outputs', attempt: 1, ...row(1, { seen: 10 }) },
  ]);

  const first = await held.request(`${path}?limit=1&stage=teacher`);
  const page = (await first.json()) as { after: string; more: boolean };
  expect(page.more).toBe(true);
  const next = /^<(.*)>; rel="next"$/.exec(first.headers.get('link') ?? '')?.[1] as string;
  expect(await (await held.request(next)).json()).toMatchObject({ metrics: [{ step: 2 }], more: false });
  const other = await held.request(`${path}?stage=outputs&after=${page.after}`);
  expect(await other.json()).toMatchObject({ metrics: [{ values: { seen: 10 } }] });

  const csv = await held.request(`${path}?stage=teacher`, { headers: { accept: 'text/csv, */*;q=0.1' } });
  expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  expect(await csv.text()).toBe(
    'stage,attempt,epoch,step,time,loss,"a,""b"""\r\n' +
      'teacher,1,1,1,2026-01-01T00:00:00.000Z,2.5,\r\n' +
      'teacher,1,1,2,2026-01-01T00:00:00.000Z,,1e-7\r\n',
  );
  const html = await held.request(path, { headers: { accept: 'text/html, text/csv;q=0' } });
  expect((await problem(html)).code).toBe('not_acceptable');
  expect((await problem(await held.request(`${path}?after=1`))).code).toBe('malformed_request');
  const unknown = await held.request(`${path}?stage=nonsense`);
  expect([unknown.status, await problem(unknown)]).toMatchObject([
    404,
    {
      code: 'stage_not_found',
      detail: expect.stringMatching(/no stage "nonsense"; its stages are: teacher, /),
    },
  ]);
  expect((await problem(await held.request('/v1/jobs/job_x/metrics'))).code).toBe('job_not_found');
});

test('CSV has each step of a stage once, from its latest attempt, or the rows of all attempts', async () => {
  const { attempts } = held.queue;
  const { id } = await submitted(held);
  const begin = async () => {
    const attempt = await attempts.begin(id, 'teacher', 'w');
    if ('skip' in attempt) throw new Error(attempt.skip);
    return attempt;
  };
  const first = await begin();
  await attempts.metrics(first, [row(1, { loss: 3 }), row(2, { loss: 2 }), row(3, { loss: 1 })]);
  await attempts.handBack(first);
  // It resumes at the checkpoint after step 1.
  const second = await begin();
  await attempts.metrics(second, [row(2, { loss: 2.5 }), row(3, { loss: 1.5 })]);
  const rows = async (query: string) => {
    const response = await held.request(`/v1/jobs/${id}/metrics${query}`, {
      headers: { accept: 'text/csv' },
    });
    const [head, ...lines] = (await response.text()).trimEnd().split('\r\n');
    expect(head).toBe('stage,attempt,epoch,step,time,loss');
    return lines.map((line) => line.replace(',2026-01-01T00:00:00.000Z', ''));
  };
  const earlier = ['teacher,1,1,1,3', 'teacher,1,1,2,2', 'teacher,1,1,3,1'];
  const latest = ['teacher,2,1,2,2.5', 'teacher,2,1,3,1.5'];
  for (const query of ['', '?attempts=latest', '?stage=teacher']) {
    expect(await rows(query)).toEqual([earlier[0], ...latest]);
  }
  for (const query of ['?attempts=all', '?attempts=all&stage=teacher']) {
    expect(await rows(query)).toEqual([...earlier, ...latest]);
  }
});

test('the report is not_ready before it exists', async () => {
  const { id } = await submitted(held, { baseline: false, seeds: [42] });
  const early = await held.request(`/v1/jobs/${id}/report`);
  expect(early.status).toBe(409);
  expect((await problem(early)).code).toBe('not_ready');

  const spread = { mean: 0.7, sd: null };
  const report = {
    job: id,
    name: null,
    createdAt: '2026-01-01T00:00:00.000Z',
    dataset: { source: 'shapes', digest: 'd', classes: ['a'], train: 1, validation: 0, test: 1, skipped: 0 },
    teachers: [{ name: 'teacher', ...network('teacher') }],
    students: [
      {
        name: 'soft',
        teachers: ['teacher'],
        control: null,
        architecture: { type: 'lightnn' },
        method: [{ type: 'cross_entropy' }],
        runs: [network('student.soft.42')],
        testAccuracy: { last: spread, best: spread },
        agreement: null,
        teacherDivergence: null,
        expectedCalibrationError: spread,
        gapClosed: null,
      },
    ],
    ensembles: [],
    outputs: [],
    stages: [],
    warnings: [],
  };
  const done = { teacher: teacherResult(), outputs: outputsResult(), 'student.soft.42': studentResult() };
  for (const [stage, result] of Object.entries(done)) await finish(held, id, stage, result);
  await finish(held, id, 'report', { report });
  const ready = await held.request(`/v1/jobs/${id}/report`);
  expect([ready.status, await ready.json()]).toEqual([200, report]);
  const card = await held.request(`/v1/jobs/${id}/students/soft/card?license=apache-2.0`);
  expect(card.headers.get('content-type')).toBe('text/markdown; charset=utf-8');
  expect(await card.text()).toMatch(/^---\nlicense: "apache-2.0"\n[^]*\n---\n\n# soft\n/);
  const other = await problem(await held.request(`/v1/jobs/${id}/students/other/card`));
  expect(other).toMatchObject({
    code: 'student_not_found',
    detail: expect.stringContaining('its students are: '),
  });
});

test('a failed job has no report, and the error names its state', async () => {
  const { id } = await submitted(held);
  const begun = await held.queue.attempts.begin(id, 'teacher', 'w');
  if ('skip' in begun) throw new Error(begun.skip);
  await held.queue.attempts.fail(begun, { code: 'nan', message: 'diverged' });
  expect(await problem(await held.request(`/v1/jobs/${id}/report`))).toMatchObject({
    code: 'not_ready',
    detail: 'the job has failed and has no report',
  });
  const weights = await problem(await held.request(`/v1/jobs/${id}/teacher/weights`));
  expect(weights.code).toBe('checkpoint_not_found');
});

function network(stage: string) {
  const score = {
    epoch: 1,
    testAccuracy: 0.7,
    testLoss: 1,
    validationAccuracy: null,
    expectedCalibrationError: 0.1,
    agreement: null,
    teacherDivergence: null,
    weights: { digest: 'x', size: 1 },
  };
  return {
    stage,
    seed: 42,
    parameters: 1,
    flops: 1,
    latencyMs: 1,
    initialWeights: 'x',
    last: score,
    best: score,
    terms: [],
    losses: {},
    epochs: 1,
    seconds: 1,
    precision: 'float32',
    reused: false,
    engine,
  };
}
