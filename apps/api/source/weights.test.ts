import { createHash, randomBytes } from 'node:crypto';
import { rm, truncate } from 'node:fs/promises';
import { blobFile, flipByte } from '@distillery/store/testing';
import { beforeAll, expect, test } from 'vitest';
import {
  mutualResult,
  outputsResult,
  studentResult,
  teacherResult,
  trainedNetwork,
} from '@distillery/training/testing';
import { finish, privateApi, problem, submitted } from './testing/api.ts';

const held = privateApi();

const files = {
  teacherBest: randomBytes(300_000),
  teacherLast: randomBytes(1000),
  soft42: randomBytes(2000),
  soft7: randomBytes(2001),
};
let id: string;

async function put(bytes: Uint8Array, epoch: number) {
  return { epoch, weights: await held.store.put(bytes) };
}

beforeAll(async () => {
  ({ id } = await submitted(held));
  const teacher = { best: await put(files.teacherBest, 3), last: await put(files.teacherLast, 5) };
  await finish(held, id, 'teacher', teacherResult(trainedNetwork(teacher)));
  await finish(held, id, 'outputs', outputsResult());
  const soft42 = await put(files.soft42, 1);
  await finish(held, id, 'student.soft.42', studentResult(trainedNetwork({ best: soft42 })));
  const soft7 = await put(files.soft7, 2);
  await finish(held, id, 'student.soft.7', studentResult(trainedNetwork({ best: soft7 })));
});

const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer());
const get = (path: string, headers: Record<string, string> = {}) =>
  held.request(`/v1/jobs/${id}${path}`, { headers });

test('lists the checkpoints that exist so far', async () => {
  const { checkpoints } = (await (await get('/checkpoints')).json()) as { checkpoints: { stage: string }[] };
  expect(checkpoints.map(({ stage }) => stage)).toEqual([
    'teacher',
    'teacher',
    'student.soft.42',
    'student.soft.42',
    'student.soft.7',
    'student.soft.7',
  ]);
  expect(checkpoints[1]).toMatchObject({
    network: 'teacher',
    seed: null,
    checkpoint: 'last',
    epoch: 5,
    format: 'safetensors',
    size: 1000,
  });
});

test('sends the whole file, with the headers to check and name it', async () => {
  const response = await get('/teacher/weights');
  const digest = createHash('sha256').update(files.teacherBest);
  expect(response.status).toBe(200);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'application/octet-stream',
    'content-length': '300000',
    'accept-ranges': 'bytes',
    etag: `"${digest.copy().digest('hex')}"`,
    'repr-digest': `sha-256=:${digest.copy().digest('base64')}:`,
    'content-disposition': 'attachment; filename="First-Try-teacher-best.safetensors"',
  });
  expect((await bytesOf(response)).equals(files.teacherBest)).toBe(true);
  expect(await bytesOf(await get('/teacher/weights?checkpoint=last&format=safetensors'))).toEqual(
    files.teacherLast,
  );
});

test("a student's first seed, or the requested one", async () => {
  const first = await get('/students/soft/weights');
  expect(first.headers.get('content-disposition')).toContain('"First-Try-soft-seed42-best.safetensors"');
  expect((await bytesOf(first)).equals(files.soft42)).toBe(true);
  expect(
    (await bytesOf(await get('/students/soft/weights?seed=7&checkpoint=last'))).equals(files.soft7),
  ).toBe(true);
});

test('a file is named after its job, also in letters that ASCII does not have', async () => {
  const job = await submitted(held, { name: 'Füße / 模型', seeds: [42] });
  const weights = await put(files.soft7, 1);
  await finish(held, job.id, 'teacher', teacherResult(trainedNetwork({ best: weights })));
  const response = await held.request(`/v1/jobs/${job.id}/teacher/weights`);
  expect(response.headers.get('content-disposition')).toBe(
    'attachment; filename="Fu-e---teacher-best.safetensors"; ' +
      "filename*=UTF-8''F%C3%BC%C3%9Fe-%E6%A8%A1%E5%9E%8B-teacher-best.safetensors",
  );
  await response.arrayBuffer();
});

test('If-Match is met by the digest of the file alone', async () => {
  const tag = `"${createHash('sha256').update(files.teacherBest).digest('hex')}"`;
  for (const met of [tag, '*', `"other", ${tag}`]) {
    const response = await get('/teacher/weights', { 'if-match': met });
    expect([met, response.status]).toEqual([met, 200]);
    await response.arrayBuffer();
  }
  for (const other of ['"other"', `W/${tag}`]) {
    const response = await get('/teacher/weights', { 'if-match': other });
    expect([response.status, (await problem(response)).code]).toEqual([412, 'precondition_failed']);
  }
});

test('finds peers, and teachers by name', async () => {
  const job = await submitted(held, {
    teacher: undefined,
    procedure: 'mutual',
    baseline: false,
    seeds: [7],
    students: ['a', 'b'].map((name) => ({
      name,
      architecture: { type: 'lightnn' },
      method: [{ type: 'soft_target' }, { type: 'cross_entropy' }],
    })),
  });
  const [a, b] = [await put(files.soft42, 1), await put(files.soft7, 2)];
  await finish(
    held,
    job.id,
    'mutual.7',
    mutualResult({ a: trainedNetwork({ best: a }), b: trainedNetwork({ best: b }) }),
  );
  const of = (path: string) => held.request(`/v1/jobs/${job.id}${path}`);
  const { checkpoints } = (await (await of('/checkpoints')).json()) as { checkpoints: object[] };
  expect(checkpoints).toHaveLength(4);
  expect(checkpoints[2]).toMatchObject({ stage: 'mutual.7', network: 'b', seed: 7, size: 2001 });
  expect((await bytesOf(await of('/students/b/weights?seed=7'))).equals(files.soft7)).toBe(true);
  expect((await problem(await of('/teacher/weights'))).detail).toContain('its students teach each other');
  expect((await bytesOf(await get('/teachers/teacher/weights'))).equals(files.teacherBest)).toBe(true);
});

test('names what is missing', async () => {
  const code = async (path: string) => (await problem(await get(path))).code;
  expect(await code('/students/nobody/weights')).toBe('student_not_found');
  expect(await code('/teachers/nobody/weights')).toBe('teacher_not_found');
  expect(await code('/students/soft/weights?seed=8')).toBe('checkpoint_not_found');
  expect(await code('/students/control/weights')).toBe('not_ready');
  expect(await code('/students/soft/weights?checkpoint=first')).toBe('malformed_request');
  expect(await code('/students/soft/weights?format=gguf')).toBe('malformed_request');
  expect(await code('/teacher/weights?seed=42')).toBe('malformed_request');
});

test('HEAD sends the same headers and no body', async () => {
  const head = await held.request(`/v1/jobs/${id}/teacher/weights`, { method: 'HEAD' });
  const whole = await get('/teacher/weights');
  await whole.arrayBuffer();
  expect(head.status).toBe(200);
  expect((await bytesOf(head)).length).toBe(0);
  for (const name of [
    'content-length',
    'etag',
    'repr-digest',
    'content-disposition',
    'content-type',
    'accept-ranges',
  ]) {
    expect(head.headers.get(name)).toBe(whole.headers.get(name));
  }
});

test('ranges are ranges of the stored bytes', async () => {
  const size = files.teacherBest.length;
  const ranges: [string, number, number][] = [
    ['bytes=0-0', 0, 0],
    ['bytes=0-7', 0, 7],
    ['bytes=70000-140001', 70_000, 140_001],
    [`bytes=${size - 1}-`, size - 1, size - 1],
    ['bytes=299000-999999', 299_000, size - 1],
    ['bytes=-100', size - 100, size - 1],
    [`bytes=-${size + 5}`, 0, size - 1],
  ];
  for (const [range, start, end] of ranges) {
    const response = await get('/teacher/weights', { range });
    expect(response.status).toBe(206);
    expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end}/${size}`);
    expect(response.headers.get('content-length')).toBe(`${end - start + 1}`);
    expect((await bytesOf(response)).equals(files.teacherBest.subarray(start, end + 1))).toBe(true);
  }
});

test('a range outside the file is 416; a malformed one is ignored', async () => {
  for (const range of ['bytes=300000-', 'bytes=999999-1000000', 'bytes=-0']) {
    const response = await get('/teacher/weights', { range });
    expect(response.status).toBe(416);
    expect(response.headers.get('content-range')).toBe('bytes */300000');
    expect((await problem(response)).code).toBe('range_not_satisfiable');
  }
  for (const range of ['bytes=5-2', 'bytes=-', 'lines=1-2', 'bytes=0-1,5-6', 'bytes=a-b']) {
    const response = await get('/teacher/weights', { range });
    expect([range, response.status]).toEqual([range, 200]);
    expect((await bytesOf(response)).length).toBe(300_000);
  }
});

test('If-Range needs the same file for a range, If-None-Match skips an unchanged file', async () => {
  const tag = (await held.request(`/v1/jobs/${id}/teacher/weights`, { method: 'HEAD' })).headers.get(
    'etag',
  ) as string;
  const same = await get('/teacher/weights', { range: 'bytes=0-9', 'if-range': tag });
  expect([same.status, (await bytesOf(same)).length]).toEqual([206, 10]);
  for (const other of ['"x"', `W/${tag}`, 'Wed, 21 Oct 2026 07:28:00 GMT']) {
    const whole = await get('/teacher/weights', { range: 'bytes=0-9', 'if-range': other });
    expect([whole.status, (await bytesOf(whole)).length]).toEqual([200, 300_000]);
  }
  const known = await get('/teacher/weights', { 'if-none-match': tag });
  expect([known.status, await known.text()]).toEqual([304, '']);
});

test.each<[string, (path: string) => Promise<void>, number, string]>([
  ['one bit', (path) => flipByte(path, 100), 500, 'artifact_corrupt'],
  ['its end', (path) => truncate(path, 1999), 500, 'artifact_corrupt'],
  ['all of it', (path) => rm(path), 404, 'checkpoint_not_found'],
])(
  'a file that has lost %s is not sent, and the answer tells what to do',
  async (_, damage, status, code) => {
    const path = blobFile(held.store, createHash('sha256').update(files.soft42).digest('hex'));
    await damage(path);
    for (const headers of [undefined, { range: 'bytes=0-9' }]) {
      const response = await get('/students/soft/weights?seed=42', headers);
      expect(response.status).toBe(status);
      expect(await problem(response)).toMatchObject({
        code,
        detail: expect.stringContaining('retry the job'),
      });
    }
    await held.store.put(files.soft42);
    expect(await bytesOf(await get('/students/soft/weights?seed=42'))).toEqual(files.soft42);
  },
);
