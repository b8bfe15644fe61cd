import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Service, startService } from './testing/service.ts';

/**
 * The proof that a new kind is one file: `testing/plugin.ts` has one for each registry. The real API and a real worker
 * load it, and a job is planned, run and downloaded with nothing but these kinds.
 */
let service: Service;

beforeAll(async () => {
  const plugin = join(import.meta.dirname, 'testing/plugin.ts');
  service = await startService({ plugins: [plugin], source: true, scheme: 'mirror' });
});
afterAll(() => service?.close());

const spec = {
  dataset: { source: 'stripes', count: 48 },
  teacher: { type: 'oracle' },
  students: [
    {
      name: 'small',
      architecture: { type: 'linear' },
      method: [{ type: 'absolute' }, { type: 'cross_entropy' }],
    },
  ],
  training: { epochs: 2, batchSize: 16 },
  seeds: [1],
};

const get = (path: string) => fetch(`${service.url}${path}`);

test.each([
  ['methods', 'absolute'],
  ['architectures', 'linear'],
  ['sources', 'stripes'],
  ['formats', 'json'],
  ['teachers', 'oracle'],
  ['transforms', 'negative'],
])('the catalogue of %s lists %s', async (page, type) => {
  const entries = Object.values((await (await get(`/v1/${page}`)).json()) as object).flat();
  expect(entries).toContainEqual(expect.objectContaining({ type, summary: expect.any(String) }));
});

test('the OpenAPI page accepts the kinds', async () => {
  const page = await (await get('/openapi.json')).text();
  for (const kind of ['absolute', 'linear', 'stripes', 'json', 'oracle']) expect(page).toContain(`"${kind}"`);
});

test('a misspelt option of a kind is refused with its path', async () => {
  const body = JSON.stringify({ ...spec, dataset: { source: 'stripes', many: 1 } });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${service.url}/v1/jobs/validate`, { method: 'POST', headers, body });
  expect(response.status).toBe(422);
  expect(await response.json()).toMatchObject({ errors: [{ path: '/dataset/many' }] });
});

test('a job of these kinds is planned, trained, reported and downloaded', { timeout: 180_000 }, async () => {
  const { job, report } = await service.complete(spec);
  expect(job.stages.map(({ id, kind, state }) => [id, kind, state])).toContainEqual([
    'census',
    'census',
    'succeeded',
  ]);
  expect(await service.queue.jobs.result(job.id, 'census')).toEqual({ networks: 2 });
  const student = report.students.find(({ name }) => name === 'small');
  expect(student?.runs[0].terms.map(({ name }) => name)).toEqual(['absolute', 'cross_entropy']);
  // The plug-in's teacher can run in the training loop of a student as well.
  const augmentation = { transforms: [{ type: 'negative' }, { type: 'flip' }], views: 'fresh' as const };
  const fresh = await service.complete({ ...spec, training: { ...spec.training, augmentation } });
  expect(fresh.report.outputs).toEqual([]);
  expect(fresh.report.students[1].runs[0].losses.absolute).toBeGreaterThan(0);
  expect(service.store.url).toMatch(/^mirror:/);

  const weights = await get(`/v1/jobs/${job.id}/students/small/weights?format=json`);
  expect(weights.headers.get('content-type')).toContain('application/json');
  const file = (await weights.json()) as { weights: { name: string; shape: number[]; data: number[] }[] };
  expect(file.weights.map(({ name, shape }) => [name, shape])).toEqual([
    ['classifier.weight', [2, 192]],
    ['classifier.bias', [2]],
  ]);
  expect(file.weights.every(({ data }) => data.every(Number.isFinite))).toBe(true);
});
