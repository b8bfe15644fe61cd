import { beforeAll, expect, test } from 'vitest';
import { privateApi } from './testing/api.ts';

const held = privateApi();

interface Operation {
  security?: object[];
  responses: Record<string, { description?: string; content?: Record<string, { schema: unknown }> }>;
  requestBody?: { content: Record<string, { schema: { $ref?: string } }> };
  parameters?: { name: string; in: string; required?: boolean; schema: unknown }[];
}
interface Document {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Record<string, unknown>>; securitySchemes: object };
}
let document: Document;

beforeAll(async () => {
  document = (await (await held.request('/openapi.json')).json()) as Document;
});

test('every page is described', () => {
  expect(document.openapi).toBe('3.1.0');
  const pages = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(pages.sort()).toEqual([
    'DELETE /v1/jobs/{id}',
    'GET /healthz',
    'GET /readyz',
    'GET /v1/architectures',
    'GET /v1/audit',
    'GET /v1/datasets',
    'GET /v1/engine',
    'GET /v1/formats',
    'GET /v1/jobs',
    'GET /v1/jobs/{id}',
    'GET /v1/jobs/{id}/checkpoints',
    'GET /v1/jobs/{id}/metrics',
    'GET /v1/jobs/{id}/report',
    'GET /v1/jobs/{id}/students/{name}/weights',
    'GET /v1/jobs/{id}/teacher/weights',
    'GET /v1/jobs/{id}/teachers/{name}/weights',
    'GET /v1/methods',
    'GET /v1/store/scrub',
    'GET /v1/teachers',
    'HEAD /v1/jobs/{id}/students/{name}/weights',
    'HEAD /v1/jobs/{id}/teacher/weights',
    'HEAD /v1/jobs/{id}/teachers/{name}/weights',
    'POST /v1/jobs',
    'POST /v1/jobs/validate',
    'POST /v1/jobs/{id}/cancel',
    'POST /v1/jobs/{id}/pause',
    'POST /v1/jobs/{id}/resume',
    'POST /v1/jobs/{id}/retry',
    'POST /v1/store/scrub',
    'POST /v1/store/sweep',
  ]);
});

test('every response has a description and a schema, every path its parameters, every error the problem schema', () => {
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, { responses, parameters = [] }] of Object.entries(item)) {
      const where = `${method} ${path}`;
      for (const [, name] of path.matchAll(/{(\w+)}/g)) {
        expect([where, parameters.find((one) => one.in === 'path' && one.name === name)?.required]).toEqual([
          where,
          true,
        ]);
      }
      for (const [status, response] of Object.entries(responses)) {
        expect([where, status, typeof response.description]).toEqual([where, status, 'string']);
        expect(status).toMatch(/^([1-5]\d\d|[1-5]XX|default)$/);
      }
      for (const range of ['4XX', '5XX']) {
        expect(responses[range]?.content).toEqual({
          'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
        });
      }
    }
  }
});

test('every page declares that it needs a key, except the public ones', () => {
  const open = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.values(item).flatMap(({ security, responses }) => {
      const codes = ['401', '403', '429'].filter((code) => code in responses);
      expect([path, codes.length]).toEqual([path, security === undefined ? 0 : 3]);
      return security === undefined ? [path] : [];
    }),
  );
  expect(open.sort()).toEqual(['/healthz', '/readyz']);
  expect(document.components.securitySchemes).toMatchObject({ apiKey: { type: 'http', scheme: 'bearer' } });
});

test('every reference resolves', () => {
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]*)"/g)].map(([, ref]) => ref);
  expect(refs.length).toBeGreaterThan(10);
  for (const ref of refs) {
    const target = ref
      .replace(/^#\//, '')
      .split('/')
      .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);
    expect([ref, target]).toEqual([ref, expect.any(Object)]);
  }
});

test('the job spec is complete, with the options of every kind', async () => {
  const body = document.paths['/v1/jobs']?.post?.requestBody?.content['application/json']?.schema;
  expect(body).toEqual({ $ref: '#/components/schemas/JobSpecInput' });
  const spec = JSON.stringify(document.components.schemas.JobSpecInput);
  for (const page of ['methods', 'architectures', 'datasets']) {
    const catalogue = (await (await held.request(`/v1/${page}`)).json()) as Record<
      string,
      { type: string }[]
    >;
    expect(catalogue[page]?.length).toBeGreaterThan(0);
    for (const { type } of catalogue[page] ?? []) expect(spec).toContain(`"const":"${type}"`);
  }
  expect(spec).toContain('"temperature"');
  expect(spec).toContain('"warmupEpochs"');
  // Only fields without a default are required.
  expect(document.components.schemas.JobSpecInput?.required).toEqual(['dataset', 'students']);
});

test('the methods page shows what each term computes and needs', async () => {
  const { methods } = (await (await held.request('/v1/methods')).json()) as { methods: object[] };
  for (const method of methods) {
    expect(method).toMatchObject({
      formula: expect.stringMatching(/./),
      needs: expect.arrayContaining([expect.any(String)]),
      trains: expect.any(Array),
    });
  }
});

test('the engine page lists the running workers', async () => {
  const engine = {
    name: 'cpu',
    backend: 'cpu',
    bfloat16: null,
    threads: 2,
    versions: { node: process.version },
    hardware: 'test',
    gigaflops: 10,
  };
  const worker = await held.queue.workers.register({ id: 'w1', host: 'here', version: '0.1.0', engine });
  const page = await held.request('/v1/engine');
  expect(await page.json()).toMatchObject({ workers: [{ id: 'w1', host: 'here', engine, stage: null }] });
  await worker.stop();
  expect(await (await held.request('/v1/engine')).json()).toEqual({ workers: [] });
});
