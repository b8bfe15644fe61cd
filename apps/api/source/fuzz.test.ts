import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { privateApi, problem } from './testing/api.ts';

// Every endpoint of the OpenAPI page, with invalid input. Every response must conform to the contract,
// and comes soon. FUZZ_RUNS and FUZZ_SEED ask for more of it, or for other requests.

const held = privateApi({
  apiKeys: 'required',
  apiRate: 1e9,
  apiJobs: 1e9,
});
const runs = Number(process.env.FUZZ_RUNS ?? 700);
const seed = Number(process.env.FUZZ_SEED ?? 20_261_125);
const patience = 20_000;

interface Operation {
  method: string;
  path: string;
  query: string[];
  headers: string[];
  body: boolean;
}
let operations: Operation[];
let token: string;
let sent = 0;
/** Requests without a valid key. */
let strangers = 0;

beforeAll(async () => {
  ({ token } = await held.queue.apiKeys.create({ name: 'fuzz', scope: 'admin', jobs: null, rate: null }));
  const page = (await (await held.request('/openapi.json')).json()) as {
    paths: Record<
      string,
      Record<string, { parameters?: { in: string; name: string }[]; requestBody?: unknown }>
    >;
  };
  operations = Object.entries(page.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, { parameters = [], requestBody }]) => ({
      method: method.toUpperCase(),
      path,
      query: parameters.filter((one) => one.in === 'query').map(({ name }) => name),
      headers: parameters.filter((one) => one.in === 'header').map(({ name }) => name),
      body: requestBody !== undefined,
    })),
  );
});

/**
 * Sends a request and checks that the response conforms to the OpenAPI description.
 *
 * @param authorization replaces a valid key; such a request must be refused
 */
async function ask(
  path: string,
  { headers, ...init }: Omit<RequestInit, 'headers'> & { headers: Record<string, string> },
  authorization?: string,
): Promise<number> {
  sent++;
  const response = await held.request(path, {
    ...init,
    headers: { ...headers, authorization: authorization ?? `Bearer ${token}` },
    signal: AbortSignal.timeout(patience),
  });
  const what = `${init.method} ${path.slice(0, 300)} → ${response.status}`;
  if (authorization !== undefined) {
    strangers++;
    if (response.status < 400) expect(path, what).toMatch(/^\/(healthz|readyz|v1\/session)/);
  }
  expect(response.status, what).toBeLessThan(500);
  const streams = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  if (streams) await response.body?.cancel();
  else if (response.status < 400 || init.method === 'HEAD') await response.arrayBuffer();
  else expect((await problem(response)).status, what).toBe(response.status);
  return response.status;
}

const property = { numRuns: runs, seed, endOnFailure: true };

/** Characters that URLs and headers allow, and encoded ones that they do not. */
const word = fc.oneof(
  fc.string({ maxLength: 40, unit: 'binary' }),
  fc.constantFrom(
    '',
    '..',
    '%2e%2e/',
    '0',
    '-1',
    '1e309',
    'NaN',
    'null',
    'job_',
    '__proto__',
    'x'.repeat(5000),
  ),
  fc.integer().map(String),
);
// A lone surrogate has no form in a URL: it is replaced.
const encoded = word.map((text) => encodeURIComponent(Buffer.from(text).toString()));
const headerText = fc.string({ maxLength: 60, unit: 'grapheme-ascii' }).map((text) => text.trim());

test('any path, query and header', { timeout: 600_000 }, async () => {
  const request = fc.record({
    index: fc.nat(),
    parts: fc.array(encoded, { minLength: 4, maxLength: 4 }),
    query: fc.array(fc.tuple(fc.nat(), encoded), { maxLength: 4 }),
    others: fc.array(fc.tuple(encoded, encoded), { maxLength: 2 }),
    headers: fc.array(fc.tuple(fc.nat(), headerText), { maxLength: 3 }),
    body: fc.oneof(fc.json(), fc.string({ maxLength: 200 })),
    authorization: fc.option(
      fc.oneof(
        headerText,
        headerText.map((text) => `Bearer ${text}`),
        fc.constantFrom(`Bearer dk_${'0'.repeat(12)}_${'A'.repeat(43)}`, 'Bearer dk___', 'Basic eDp4'),
      ),
      { nil: undefined, freq: 2 },
    ),
  });
  await fc.assert(
    fc.asyncProperty(request, async ({ index, parts, query, others, headers, body, authorization }) => {
      const operation = operations[index % operations.length];
      let part = 0;
      const path = operation.path.replaceAll(/{\w+}/g, () => parts[part++ % parts.length] || 'x');
      const named = operation.query.length === 0 ? [] : query;
      const pairs = [
        ...named.map(([i, value]) => `${operation.query[i % operation.query.length]}=${value}`),
        ...others.map(([name, value]) => `${name}=${value}`),
      ];
      const known = operation.headers.length === 0 ? [] : headers;
      const init = {
        method: operation.method,
        headers: {
          ...Object.fromEntries(
            known.map(([i, text]) => [operation.headers[i % operation.headers.length], text]),
          ),
          ...(operation.body ? { 'content-type': 'application/json' } : {}),
        },
        ...(operation.body ? { body } : {}),
      };
      await ask(`${path}${pairs.length > 0 ? `?${pairs.join('&')}` : ''}`, init, authorization);
    }),
    property,
  );
});

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Valid jobs, from which mutations start. */
const examples = resolve(import.meta.dirname, '../../../examples');
const specs = readdirSync(examples, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.json'))
  .sort()
  .map((name) => JSON.parse(readFileSync(resolve(examples, name), 'utf8')) as Json);

/** One change in a document; its place is chosen by the document's size. */
interface Mutation {
  place: number;
  kind: 'replace' | 'remove' | 'add' | 'double';
  value: Json;
}

const value: fc.Arbitrary<Json> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom<Json[]>(
      0,
      -1,
      1,
      0.5,
      1e308,
      -1e308,
      1e-320,
      2 ** 53,
      65_537,
      '',
      'x',
      null,
      true,
      [],
      {},
    ),
  },
  { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json> },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Json[]>(
      { type: 'mlp', hidden: Array.from({ length: 8 }, () => 16_384) },
      { type: 'vit', depth: 1000, width: 100_000, heads: 1 },
      { type: 'wide_resnet', depth: 40, width: 1e6 },
      { schedule: 'linear', from: 0, to: 1e300, epochs: 1e300 },
      { source: 'image_folder', path: '/../../etc/passwd' },
      { source: 'text_csv', path: '/proc/self/environ' },
      { source: 'shapes', trainCount: 200_000, testCount: 100_000 },
      '__proto__',
      'x'.repeat(10_000),
      Array.from({ length: 2000 }, (_, i) => i),
    ),
  },
);
const mutation: fc.Arbitrary<Mutation> = fc.record({
  place: fc.nat(),
  kind: fc.constantFrom('replace', 'replace', 'replace', 'remove', 'add', 'double'),
  value,
});

/** Returns every object and array of a document with its keys. */
function placesOf(document: Json): { holder: { [key: string]: Json } | Json[]; key: string }[] {
  if (typeof document !== 'object' || document === null) return [];
  const holder = document as { [key: string]: Json };
  return Object.keys(document).flatMap((key) => [{ holder, key }, ...placesOf(holder[key])]);
}

function mutated(document: Json, mutations: readonly Mutation[]): Json {
  const copy = structuredClone(document);
  for (const { place, kind, value: put } of mutations) {
    const places = placesOf(copy);
    if (places.length === 0) break;
    const { holder, key } = places[place % places.length];
    const own = holder as { [key: string]: Json };
    if (kind === 'replace') own[key] = structuredClone(put);
    else if (kind === 'add') own[`${key}_`] = structuredClone(put);
    else if (Array.isArray(holder)) {
      if (kind === 'remove') holder.splice(Number(key), 1);
      else holder.push(structuredClone(holder[Number(key)]));
    } else if (kind === 'remove') delete own[key];
  }
  return copy;
}

test('jobs that are nearly valid', { timeout: 900_000 }, async () => {
  const counts = new Map<number, number>();
  const job = fc.record({
    spec: fc.constantFrom(...specs),
    mutations: fc.array(mutation, { minLength: 1, maxLength: 4 }),
    submit: fc.boolean(),
    key: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(job, async ({ spec, mutations, submit, key }) => {
      const status = await ask(submit ? '/v1/jobs' : '/v1/jobs/validate', {
        method: 'POST',
        body: JSON.stringify(mutated(spec, mutations)),
        headers: {
          'content-type': 'application/json',
          ...(submit && key !== undefined ? { 'idempotency-key': key } : {}),
        },
      });
      counts.set(status, (counts.get(status) ?? 0) + 1);
    }),
    { ...property, numRuns: 2 * runs },
  );
  // Otherwise every mutation was refused, and the test covered nothing behind validation.
  expect([...counts.keys()].filter((status) => status < 300).length).toBeGreaterThan(0);
  expect(counts.get(422)).toBeGreaterThan(runs / 2);
});

test('the service still works', async () => {
  expect(sent).toBeGreaterThanOrEqual(3 * runs);
  expect(strangers).toBeGreaterThan(runs / 4);
  expect((await held.request('/readyz')).status).toBe(200);
  if (process.env.FUZZ_RUNS !== undefined) console.log(`${sent} requests, seed ${seed}`);
});
