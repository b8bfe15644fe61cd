import { createHash } from 'node:crypto';
import { type Format, formats, safetensors, type Weights } from '@distillery/formats';
import { describeFormat } from '@distillery/formats/testing';
import type { NetworkGraph } from '@distillery/spec';
import { blobFile, flipByte } from '@distillery/store/testing';
import { teacherResult, trainedNetwork } from '@distillery/training/testing';
import { beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { finish, privateApi, problem, submitted } from './testing/api.ts';

/** A format as a plug-in would add it: readable text that can be written but not read. */
const text: Format = {
  type: 'text',
  summary: 'Names, shapes and numbers, one parameter a line',
  options: z.strictObject({}),
  mediaType: 'text/plain',
  extension: 'weights.txt',
  encode({ parameters, metadata }) {
    const about = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
    const lines = parameters.map(({ name, shape, data }) => `${name} ${shape.join('x')} ${data.join(' ')}\n`);
    return new TextEncoder().encode([JSON.stringify(about), '\n', ...lines].join(''));
  },
};
formats.add(text);
describeFormat(text);
const types = formats.list.map(({ type }) => type);

// The compiled code has a registry of its own.
const held = privateApi({ source: true });
const graph: NetworkGraph = {
  version: 1,
  input: [3],
  nodes: [{ op: 'linear', inputs: [0], shape: [2], name: 'fc', bias: true }],
  output: 1,
  taps: { logits: 1 },
};
const weights: Weights = {
  parameters: [
    { name: 'fc.weight', dtype: 'F32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6.5) },
    { name: 'fc.bias', dtype: 'F32', shape: [2], data: Float32Array.of(-1, 0) },
  ],
  metadata: { format: 'pt', classes: '["a","b"]', graph: JSON.stringify(graph) },
};
const metadata = JSON.stringify(Object.entries(weights.metadata).sort(([a], [b]) => (a < b ? -1 : 1)));
const expected = `${metadata}\nfc.weight 2x3 1 2 3 4 5 6.5\nfc.bias 2 -1 0\n`;
let id: string;
let digest: string;

beforeAll(async () => {
  ({ id } = await submitted(held));
  const blob = await held.store.put(safetensors.encode(weights));
  ({ digest } = blob);
  const score = { epoch: 1, weights: blob };
  await finish(held, id, 'teacher', teacherResult(trainedNetwork({ best: score, last: score })));
});

const get = (query: string, init: RequestInit = {}) =>
  held.request(`/v1/jobs/${id}/teacher/weights${query}`, init);

test("a plug-in's format is in the catalogue and the OpenAPI description", async () => {
  const { formats: listed } = (await (await held.request('/v1/formats')).json()) as {
    formats: { type: string }[];
  };
  expect(listed.map(({ type }) => type)).toEqual(types);
  expect(listed[0]).toMatchObject({
    type: 'safetensors',
    mediaType: 'application/octet-stream',
    extension: 'safetensors',
    defaults: {},
  });
  const { summary, mediaType, extension } = text;
  expect(listed.at(-1)).toMatchObject({ type: 'text', summary, mediaType, extension });
  const { paths } = (await (await held.request('/openapi.json')).json()) as {
    paths: Record<
      string,
      {
        get: {
          parameters: { name: string; schema: object }[];
          responses: Record<string, { content: Record<string, object> }>;
        };
      }
    >;
  };
  for (const network of ['teacher', 'teachers/{name}', 'students/{name}']) {
    const { parameters, responses } = paths[`/v1/jobs/{id}/${network}/weights`].get;
    expect(parameters.find(({ name }) => name === 'format')?.schema).toMatchObject({
      enum: types,
      default: 'safetensors',
    });
    expect(Object.keys(responses['200'].content)).toEqual([
      ...new Set(formats.list.map(({ mediaType }) => mediaType)),
    ]);
  }
});

test('a download is encoded from the stored weights and sent with the headers of its format', async () => {
  const response = await get('?format=text');
  const sum = createHash('sha256').update(expected);
  expect(response.status).toBe(200);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': expect.stringMatching(/^text\/plain\b/),
    'content-length': `${expected.length}`,
    'content-disposition': 'attachment; filename="First-Try-teacher-best.weights.txt"',
    etag: `"${sum.copy().digest('hex')}"`,
    'repr-digest': `sha-256=:${sum.copy().digest('base64')}:`,
  });
  expect(await response.text()).toBe(expected);
});

test.each(types)('a download as %s is the file that the format encodes', async (type) => {
  const { encode, mediaType, options } = formats.get(type);
  const response = await get(`?format=${type}`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain(mediaType);
  expect(new Uint8Array(await response.arrayBuffer())).toEqual(encode(weights, options.parse({})));
});

test('options of a format are parameters, and a wrong one is refused with what the format takes', async () => {
  const half = await get('?precision=float16');
  expect(new Uint8Array(await half.arrayBuffer())).toEqual(
    safetensors.encode(weights, { precision: 'float16' }),
  );
  const small = await get('?format=onnx&precision=int8');
  const { encode, options } = formats.get('onnx');
  expect(new Uint8Array(await small.arrayBuffer())).toEqual(
    encode(weights, options.parse({ precision: 'int8' })),
  );
  for (const [query, error] of [
    [
      '?format=npz&precision=int8',
      { path: '#/query/precision', value: 'int8', allowed: ['float32', 'float16'] },
    ],
    ['?format=npz&input=pixels', { path: '#/query/input' }],
  ] as const) {
    const refused = await get(query);
    expect(refused.status).toBe(400);
    expect(await problem(refused)).toMatchObject({ code: 'malformed_request', errors: [error] });
  }
});

test('ranges, HEAD and entity tags are those of the encoded file', async () => {
  const range = await get('?format=text', { headers: { range: 'bytes=1-11' } });
  expect([range.status, range.headers.get('content-range')]).toEqual([206, `bytes 1-11/${expected.length}`]);
  expect(await range.text()).toBe(expected.slice(1, 12));
  const head = await get('?format=text', { method: 'HEAD' });
  expect([head.headers.get('content-length'), await head.text()]).toEqual([`${expected.length}`, '']);
  const tag = head.headers.get('etag') as string;
  expect((await get('?format=text', { headers: { 'if-none-match': tag } })).status).toBe(304);
  expect((await get('', { headers: { 'if-none-match': tag } })).status).toBe(200);
});

test('an unknown format is refused with the list of formats', async () => {
  for (const format of ['gguf', 'toString', '']) {
    const refused = await get(`?format=${format}`);
    expect(refused.status).toBe(400);
    expect(await problem(refused)).toMatchObject({
      code: 'malformed_request',
      errors: [{ path: '#/query/format', value: format, allowed: types }],
    });
  }
});

test('damaged weights are never encoded into another format', async () => {
  await flipByte(blobFile(held.store, digest));
  const refused = await get('?format=text');
  expect(refused.status).toBe(500);
  expect((await problem(refused)).code).toBe('artifact_corrupt');
  await held.store.put(safetensors.encode(weights));
  expect(await (await get('?format=text')).text()).toBe(expected);
});
