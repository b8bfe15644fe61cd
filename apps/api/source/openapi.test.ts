import {
  jobViewSchema,
  metricRowSchema,
  newWebhookSchema,
  stageViewSchema,
  webhookChangeSchema,
  webhookPayloadSchema,
} from '@distillery/spec';
import { jobSpec } from '@distillery/training';
import { engine } from '@distillery/queue/testing';
import { beforeAll, expect, test } from 'vitest';
import { problemSchema } from './problem.ts';
import { privateApi, problem, spec } from './testing/api.ts';

const held = privateApi();

interface Response {
  description?: string;
  headers?: Record<string, { $ref: string }>;
  content?: Record<string, { schema: unknown }>;
}
interface Operation {
  operationId?: string;
  security?: object[];
  responses: Record<string, Response | { $ref: string }>;
  requestBody?: { content: Record<string, { schema: { $ref?: string } }> };
  parameters?: { name: string; in: string; required?: boolean; schema: unknown }[];
}
interface Document {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  webhooks: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, Record<string, unknown>>;
    responses: Record<string, Response>;
    headers: Record<string, { description?: string }>;
    securitySchemes: object;
  };
}
let document: Document;

beforeAll(async () => {
  document = (await (await held.request('/openapi.json')).json()) as Document;
});

/** Every operation, with the responses that it refers to. */
function operations() {
  const responseOf = (response: Response | { $ref: string }) =>
    '$ref' in response
      ? document.components.responses[response.$ref.replace('#/components/responses/', '')]
      : response;
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      path,
      method,
      where: `${method} ${path}`,
      ...operation,
      responses: Object.fromEntries(
        Object.entries(operation.responses).map(([status, one]) => [status, responseOf(one)]),
      ),
    })),
  );
}

test('every page is described', () => {
  expect(document.openapi).toBe('3.1.0');
  const pages = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(pages.sort()).toEqual([
    'DELETE /v1/datasets/{dataset}',
    'DELETE /v1/jobs/{id}',
    'DELETE /v1/keys/{key}',
    'DELETE /v1/networks/{network}',
    'DELETE /v1/session',
    'DELETE /v1/store/hold',
    'DELETE /v1/sweeps/{sweep}',
    'DELETE /v1/uploads/{upload}',
    'DELETE /v1/webhooks/{webhook}',
    'GET /healthz',
    'GET /metrics',
    'GET /readyz',
    'GET /v1/architectures',
    'GET /v1/audit',
    'GET /v1/datasets',
    'GET /v1/datasets/{dataset}',
    'GET /v1/datasets/{dataset}/profile',
    'GET /v1/demand',
    'GET /v1/engine',
    'GET /v1/events',
    'GET /v1/formats',
    'GET /v1/jobs',
    'GET /v1/jobs/{id}',
    'GET /v1/jobs/{id}/analysis',
    'GET /v1/jobs/{id}/checkpoints',
    'GET /v1/jobs/{id}/curves',
    'GET /v1/jobs/{id}/events',
    'GET /v1/jobs/{id}/logs',
    'GET /v1/jobs/{id}/metrics',
    'GET /v1/jobs/{id}/report',
    'GET /v1/jobs/{id}/samples',
    'GET /v1/jobs/{id}/samples/{index}/image',
    'GET /v1/jobs/{id}/spec',
    'GET /v1/jobs/{id}/stages',
    'GET /v1/jobs/{id}/students/{name}/bundle',
    'GET /v1/jobs/{id}/students/{name}/card',
    'GET /v1/jobs/{id}/students/{name}/weights',
    'GET /v1/jobs/{id}/teacher/weights',
    'GET /v1/jobs/{id}/teachers/{name}/weights',
    'GET /v1/keys',
    'GET /v1/methods',
    'GET /v1/networks',
    'GET /v1/networks/{network}',
    'GET /v1/projects',
    'GET /v1/projects/{project}',
    'GET /v1/session',
    'GET /v1/sources',
    'GET /v1/store/hold',
    'GET /v1/store/scrub',
    'GET /v1/sweeps',
    'GET /v1/sweeps/{sweep}',
    'GET /v1/teachers',
    'GET /v1/transforms',
    'GET /v1/uploads',
    'GET /v1/uploads/{upload}',
    'GET /v1/webhooks',
    'GET /v1/webhooks/{webhook}',
    'GET /v1/webhooks/{webhook}/deliveries',
    'GET /v1/workers',
    'HEAD /v1/jobs/{id}/students/{name}/bundle',
    'HEAD /v1/jobs/{id}/students/{name}/weights',
    'HEAD /v1/jobs/{id}/teacher/weights',
    'HEAD /v1/jobs/{id}/teachers/{name}/weights',
    'HEAD /v1/uploads/{upload}',
    'OPTIONS /v1/uploads',
    'PATCH /v1/projects/{project}',
    'PATCH /v1/uploads/{upload}',
    'PATCH /v1/webhooks/{webhook}',
    'POST /v1/datasets',
    'POST /v1/jobs',
    'POST /v1/jobs/validate',
    'POST /v1/jobs/{id}/cancel',
    'POST /v1/jobs/{id}/pause',
    'POST /v1/jobs/{id}/resume',
    'POST /v1/jobs/{id}/retry',
    'POST /v1/keys',
    'POST /v1/networks',
    'POST /v1/projects',
    'POST /v1/session',
    'POST /v1/store/scrub',
    'POST /v1/store/sweep',
    'POST /v1/sweeps',
    'POST /v1/sweeps/validate',
    'POST /v1/sweeps/{sweep}/cancel',
    'POST /v1/sweeps/{sweep}/pause',
    'POST /v1/sweeps/{sweep}/resume',
    'POST /v1/uploads',
    'POST /v1/webhooks',
    'POST /v1/webhooks/{webhook}/deliveries/{delivery}/redeliver',
    'POST /v1/webhooks/{webhook}/secret',
    'POST /v1/webhooks/{webhook}/test',
    'PUT /v1/store/hold',
    'PUT /v1/uploads/{upload}',
  ]);
});

test('every response has a description and a schema, every path its parameters, every error the problem schema', () => {
  for (const { where, path, responses, parameters = [] } of operations()) {
    for (const [, name] of path.matchAll(/{(\w+)}/g)) {
      expect([where, parameters.find((one) => one.in === 'path' && one.name === name)?.required]).toEqual([
        where,
        true,
      ]);
    }
    for (const [status, response] of Object.entries(responses)) {
      expect([where, status, typeof response.description]).toEqual([where, status, 'string']);
      expect(response.description).not.toBe('Default Response');
      expect(status).toMatch(/^([1-5]\d\d|[1-5]XX|default)$/);
    }
    for (const range of ['4XX', '5XX']) {
      expect(responses[range]?.content).toEqual({
        'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
      });
    }
  }
});

test('every page declares that it needs a key, except the public ones', () => {
  const open = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.values(item).flatMap(({ security, responses }) => {
      const codes = ['401', '403', '429'].filter((code) => code in responses);
      expect([path, codes.length]).toEqual([path, security?.length === 0 ? 0 : 3]);
      return security?.length === 0 ? [path] : [];
    }),
  );
  expect([...new Set(open)].sort()).toEqual(['/healthz', '/readyz', '/v1/session']);
  expect(document.components.securitySchemes).toMatchObject({ apiKey: { type: 'http', scheme: 'bearer' } });
});

test('the requests to webhooks are described', () => {
  expect(document.webhooks.event.post.requestBody?.content['application/json']?.schema).toEqual({
    $ref: '#/components/schemas/WebhookPayload',
  });
  expect(document.webhooks.event.post.parameters?.map(({ name }) => name)).toEqual([
    'webhook-id',
    'webhook-timestamp',
    'webhook-signature',
  ]);
  const { properties } = document.components.schemas.WebhookPayload as { properties: { data: object } };
  expect(JSON.stringify(properties.data)).toContain('"#/components/schemas/JobEvent"');
});

test('every operation has an id of its own', () => {
  const ids = operations().map(({ where, operationId }) => {
    expect([where, operationId]).toEqual([where, expect.stringMatching(/^[a-z]+[A-Z][A-Za-z]+$/)]);
    return operationId;
  });
  expect(new Set(ids).size).toBe(ids.length);
});

test('every header is described, and the page names those that routes send', async () => {
  for (const { where, responses } of operations()) {
    for (const [status, { headers = {} }] of Object.entries(responses)) {
      expect([where, status, Object.keys(headers)]).toEqual([
        where,
        status,
        expect.arrayContaining(['X-Request-Id']),
      ]);
      for (const [name, { $ref }] of Object.entries(headers)) {
        expect($ref).toBe(`#/components/headers/${name}`);
        expect(document.components.headers[name]?.description).toMatch(/\.$/);
      }
    }
  }
  const { responses } = document.paths['/v1/jobs'].post;
  const described = Object.keys((responses['202'] as Response).headers ?? {}).map((name) =>
    name.toLowerCase(),
  );
  const answer = await held.post('/v1/jobs', spec, { 'idempotency-key': 'described' });
  for (const name of ['location', 'x-request-id']) {
    expect(answer.headers.has(name)).toBe(true);
    expect(described).toContain(name);
  }
});

test('examples are valid', () => {
  const schemas = {
    JobSpec: jobSpec,
    Job: jobViewSchema,
    Stage: stageViewSchema,
    MetricRow: metricRowSchema,
    NewWebhook: newWebhookSchema,
    WebhookChange: webhookChangeSchema,
    WebhookPayload: webhookPayloadSchema,
  };
  for (const [name, schema] of Object.entries({ ...schemas, Problem: problemSchema })) {
    const [example] = document.components.schemas[name].examples as unknown[];
    expect([name, schema.safeParse(example).error]).toEqual([name, undefined]);
  }
});

test('a schema is there once, except where responses have another form than requests', () => {
  const { schemas } = document.components;
  const twice = Object.keys(schemas).filter((name) => `${name}Input` in schemas);
  // The fields of a schedule that have defaults are always in a response.
  expect(twice).toEqual(['Weight']);
  const used = JSON.stringify(document);
  for (const name of Object.keys(schemas)) expect(used).toContain(`"#/components/schemas/${name}"`);
  // With each term's schedules in full and every schema twice it had more than 500 kB.
  expect(used.length).toBeLessThan(500_000);
});

test('a field with a default is optional for generators that take a default as always there', () => {
  const withDefault: string[] = [];
  const visit = (value: unknown) => {
    if (typeof value !== 'object' || value === null) return;
    if (!Array.isArray(value) && 'default' in value && !('properties' in value)) {
      withDefault.push(JSON.stringify(value));
    }
    Object.values(value).forEach(visit);
  };
  for (const name of [
    'JobSpec',
    'Training',
    'TrainingOverride',
    'Optimizer',
    'Term',
    'WeightInput',
    'Dataset',
  ]) {
    visit(document.components.schemas[name]);
  }
  expect(withDefault).toEqual([]);
  expect(document.components.schemas.Training).toMatchObject({
    properties: { epochs: { description: 'Passes over the training set. Default: `10`.' } },
  });
});

test('a submitted spec comes back as it was sent', async () => {
  const { id } = (await (await held.post('/v1/jobs', spec)).json()) as { id: string };
  const response = await held.request(`/v1/jobs/${id}/spec`);
  expect(await response.json()).toEqual(spec);
  const unknown = await held.request('/v1/jobs/job_x/spec');
  expect([unknown.status, (await problem(unknown)).code]).toEqual([404, 'job_not_found']);
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
  expect(body).toEqual({ $ref: '#/components/schemas/JobSpec' });
  const spec = JSON.stringify(document.components.schemas);
  for (const page of ['methods', 'architectures', 'sources']) {
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
  expect(document.components.schemas.JobSpec?.required).toEqual(['dataset', 'students']);
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
  const running = { ...engine, threads: 2, versions: { node: process.version }, gigaflops: 10 };
  const worker = await held.queue.workers.register({
    id: 'w1',
    host: 'here',
    version: '0.1.0',
    engine: running,
  });
  const page = await held.request('/v1/engine');
  expect(await page.json()).toMatchObject({
    workers: [{ id: 'w1', host: 'here', engine: running, stage: null }],
  });
  await worker.stop();
  expect(await (await held.request('/v1/engine')).json()).toEqual({ workers: [] });
});
