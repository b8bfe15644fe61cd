import { once } from 'node:events';
import { connect } from 'node:net';
import { engine } from '@distillery/queue/testing';
import { expect, test } from 'vitest';
import { privateApi, problem, spec } from './testing/api.ts';

const held = privateApi();

const nested = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth);

test.each([
  ['broken JSON', '{"a":', 400, 'malformed_body'],
  ['NaN', '{"seeds":[NaN]}', 400, 'malformed_body'],
  ['an empty body', '', 400, 'malformed_body'],
  ['a prototype', '{"__proto__":{"a":1}}', 400, 'malformed_body'],
  ['a constructor', '{"constructor":{"prototype":{"a":1}}}', 400, 'malformed_body'],
  ['a list', '[]', 422, 'invalid_spec'],
  ['null', 'null', 422, 'invalid_spec'],
  ['infinity', '{"seeds":[1e999]}', 422, 'invalid_spec'],
  ['deep lists', `{"seeds":${nested(200_000, '[', ']')}}`, 422, 'invalid_spec'],
  ['deep objects', `{"x":${nested(100_000, '{"a":', '}').replace(':}', ':1}')}}`, 422, 'invalid_spec'],
  ['many bad fields', `{"seeds":[${'"x",'.repeat(200_000)}1]}`, 422, 'invalid_spec'],
  ['a long string', `{"name":"${'x'.repeat(900_000)}"}`, 422, 'invalid_spec'],
  ['a too large body', `{"name":"${'x'.repeat(1_100_000)}"}`, 413, 'body_too_large'],
])('%s', async (_, body, status, code) => {
  const response = await held.post('/v1/jobs', body);
  expect(response.status).toBe(status);
  const text = await response.clone().text();
  expect(text.length).toBeLessThan(60_000);
  expect((await problem(response)).code).toBe(code);
  expect((await held.queue.jobs.list({})).jobs).toEqual([]);
});

test('wrong content types, unknown pages and methods', async () => {
  const xml = await held.post('/v1/jobs', '<job/>', { 'content-type': 'application/xml' });
  expect([xml.status, (await problem(xml)).code]).toEqual([415, 'unsupported_media_type']);
  const none = await held.request('/v1/jobs', { method: 'POST' });
  expect([none.status, (await problem(none)).code]).toEqual([422, 'invalid_spec']);

  for (const path of [
    '/v2',
    '/v2/jobs',
    '/v1/jobs/x/y',
    '/v1/jobs/%E0%A4%A',
    `/v1/jobs/${'x'.repeat(500)}`,
  ]) {
    const response = await held.request(path);
    const { code } = await problem(response);
    expect([path, ['not_found', 'malformed_request'].includes(code)]).toEqual([path, true]);
  }
  for (const id of ['job_unknown', '..%2F..', '*', 'job_00000000000000000000000000']) {
    const response = await held.request(`/v1/jobs/${id}`);
    expect([response.status, (await problem(response)).code]).toEqual([404, 'job_not_found']);
  }

  const allowed = async (method: string, path: string) => {
    const response = await held.request(path, { method });
    expect([response.status, (await problem(response)).code]).toEqual([405, 'method_not_allowed']);
    return response.headers.get('allow');
  };
  expect(await allowed('DELETE', '/v1/jobs')).toBe('GET, HEAD, POST');
  expect(await allowed('PUT', '/v1/jobs/job_x?a=b')).toBe('DELETE, GET, HEAD');
  expect(await allowed('PATCH', '/healthz')).toBe('GET, HEAD');
  expect(await allowed('POST', '/v1/jobs/job_x/teacher/weights/')).toBe('GET, HEAD');
});

test('a position that no page has given is refused', async () => {
  for (const after of ['nonsense', '', 'job_', '0-0']) {
    const response = await held.request(`/v1/jobs?after=${after}`);
    expect(await problem(response)).toMatchObject({
      code: 'malformed_request',
      errors: [{ path: '#/query/after', message: 'must be `next` of the page before' }],
    });
  }
});

test('a query parameter that is given twice is refused as such', async () => {
  const twice = await held.request('/v1/jobs?state=queued&state=running');
  expect(await problem(twice)).toMatchObject({
    code: 'malformed_request',
    errors: [
      {
        path: '#/query/state',
        message: 'is given 2 times, but may be given once',
        value: ['queued', 'running'],
      },
    ],
  });
  expect((await held.request('/v1/jobs?limit=1&limit=2&name=a&name=b')).status).toBe(400);
  expect((await held.request('/v1/jobs?label=a=1&label=b=2')).status).toBe(200);
  const bad = await problem(await held.request('/v1/jobs?label=a=1&label=b'));
  expect(bad.errors).toMatchObject([{ path: '#/query/label/1', message: 'must be key=value' }]);
});

test('a request keeps the id that the client gave', async () => {
  const given = await held.request('/v1/jobs/job_x', { headers: { 'x-request-id': 'trace-7' } });
  expect(await problem(given)).toMatchObject({ instance: 'trace-7' });
  const evil = await held.request('/healthz', { headers: { 'x-request-id': 'a b' } });
  expect(evil.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
});

test('bytes that are not HTTP get problem details, too', async () => {
  const { hostname, port } = new URL(held.api.url);
  const socket = connect(Number(port), hostname);
  socket.end('what is this\r\n\r\n');
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk.toString();
  });
  await once(socket, 'close');
  expect(answer).toMatch(/^HTTP\/1.1 400 /);
  expect(JSON.parse(answer.split('\r\n\r\n')[1])).toMatchObject({ code: 'malformed_request' });
});

test('a data set outside the allowed folders is refused with its field', async () => {
  const response = await held.post('/v1/jobs', {
    ...spec,
    dataset: { source: 'image_folder', path: '/etc' },
  });
  expect(response.status).toBe(422);
  expect(['data_error', 'invalid_spec']).toContain((await problem(response)).code);
  expect((await held.queue.jobs.list({})).jobs).toEqual([]);
});

test('a job with too many stages is refused with the field, the number and the limit', async () => {
  const response = await held.post('/v1/jobs/validate', {
    ...spec,
    procedure: 'born_again',
    generations: 16,
    students: Array.from({ length: 64 }, (_, index) => ({ ...spec.students[0], name: `s${index}` })),
    seeds: Array.from({ length: 32 }, (_, seed) => seed),
  });
  expect(response.status).toBe(422);
  expect((await problem(response)).errors).toEqual([
    {
      path: '/students',
      message:
        'the job would have 63523 stages (64 students × 16 generations × 32 seeds), more than the limit of 2500',
      value: 63_523,
      allowed: { maximum: 2500 },
    },
  ]);
});

test('bfloat16 is refused while no running worker supports it', async () => {
  const precise = { ...spec, training: { precision: 'bfloat16' } };
  const worker = (id: string, bfloat16: string | null) =>
    held.queue.workers.register({
      id,
      host: 'here',
      version: '0.1.0',
      engine: { ...engine, bfloat16 },
    });
  const old = await worker('old', 'its processor is old');
  try {
    const refused = await held.post('/v1/jobs', precise);
    expect(refused.status).toBe(422);
    expect(await problem(refused)).toMatchObject({
      code: 'invalid_spec',
      errors: [
        {
          path: '/training/precision',
          message: 'is not supported by any worker: its processor is old',
          value: 'bfloat16',
        },
      ],
    });
    expect((await held.queue.jobs.list({})).jobs).toEqual([]);
    const fresh = await worker('new', null);
    expect((await held.post('/v1/jobs/validate', precise)).status).toBe(200);
    await fresh.stop();
  } finally {
    await old.stop();
  }
});
