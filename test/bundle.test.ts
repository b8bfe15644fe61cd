import { execFile } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import type { Samples } from '@distillery/spec';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { pythonTimeout, pythonWith } from './testing/python.ts';
import { type Service, startService } from './testing/service.ts';

// The programs of each bundle run as they are, on an image of the test set, and give the logits that the service gives.

let service: Service;
let id: string;
let sample: Samples['samples'][number];
let classes: string[];
let image: string;

beforeAll(async () => {
  service = await startService();
  const { job } = await service.complete({
    name: 'to be bundled',
    dataset: { source: 'shapes', trainCount: 200, testCount: 50 },
    teacher: { architecture: { type: 'lightnn' } },
    students: [
      {
        name: 'soft',
        architecture: { type: 'resnet', depth: 8 },
        method: [{ type: 'soft_target' }, { type: 'cross_entropy' }],
      },
    ],
    seeds: [1],
    training: { epochs: 1, batchSize: 50 },
    validation: 0,
  });
  ({ id } = job);
  const found = await service.client.jobs.samples(id, { student: 'soft', seed: 1, limit: 1 });
  [sample] = found.samples;
  ({ classes } = found);
  image = join(service.folder, 'sample.png');
  await writeFile(image, await service.client.jobs.sampleImage(id, sample.index));
}, 240_000);
afterAll(() => service?.close());

/** Unpacks a bundle of the student and returns its folder. */
async function unpacked(format: string, options: Record<string, string> = {}): Promise<string> {
  const bundle = await service.client.jobs.bundle(id, { student: 'soft', format, options });
  const folder = join(service.folder, `bundle-${bundle.digest.slice(0, 12)}`);
  for (const [name, file] of Object.entries(unzipSync(await bundle.bytes()))) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), file);
  }
  return folder;
}

function expectAnswer(stdout: string, bound = 1e-4) {
  const answer = JSON.parse(stdout) as { class: string; probability: number; logits: number[] };
  const largest = Math.max(...sample.student.map(Math.abs));
  expect(answer.logits).toHaveLength(classes.length);
  answer.logits.forEach((logit, i) =>
    expect(Math.abs(logit - sample.student[i]) / largest, `logit ${i}`).toBeLessThan(bound),
  );
  expect(answer.class).toBe(classes[sample.student.indexOf(Math.max(...sample.student))]);
  const shares = sample.student.map((logit) => Math.exp(logit));
  expect(answer.probability).toBeCloseTo(Math.max(...shares) / shares.reduce((a, b) => a + b), 2);
}

test('a bundle has the weights, the card, the labels and the preparation; ranges and tags are those of a file', async () => {
  const path = `${service.url}/v1/jobs/${id}/students/soft/bundle?format=onnx&license=mit`;
  const response = await fetch(path);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'application/zip',
    'content-disposition': 'attachment; filename="to-be-bundled-soft-seed1-best-onnx.zip"',
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const files = unzipSync(bytes);
  const text = (name: string) => new TextDecoder().decode(files[name]);
  expect(Object.keys(files).sort()).toEqual([
    'README.md',
    'example.mjs',
    'example.py',
    'labels.json',
    'model.onnx',
    'preprocessing.json',
  ]);
  expect(text('README.md')).toMatch(/^---\nlicense: "mit"\n/);
  expect(JSON.parse(text('labels.json'))).toEqual(classes);
  expect(JSON.parse(text('preprocessing.json'))).toMatchObject({
    input: 'image',
    shape: [32, 32, 3],
    layout: 'NCHW',
    values: 'normalized',
  });
  const weights = await service.client.jobs.download(id, { student: 'soft', format: 'onnx' });
  expect(files['model.onnx']).toEqual(await weights.bytes());
  const part = await fetch(path, { headers: { range: 'bytes=10-19' } });
  expect([part.status, new Uint8Array(await part.arrayBuffer())]).toEqual([206, bytes.subarray(10, 20)]);
  const tag = response.headers.get('etag') as string;
  expect((await fetch(path, { headers: { 'if-none-match': tag } })).status).toBe(304);
});

test('a bundle that its programs could not run is refused with the reason', async () => {
  const choice = { student: 'soft', format: 'safetensors', options: { names: 'torchvision' } };
  await expect(service.client.jobs.bundle(id, choice)).rejects.toMatchObject({
    code: 'malformed_request',
    message: expect.stringMatching(/leave out "names"/) as string,
  });
  await expect(service.client.jobs.bundle(id, { student: 'none' })).rejects.toMatchObject({
    code: 'student_not_found',
  });
});

describe('ONNX', () => {
  test.for<Record<string, string>>([{}, { input: 'pixels' }])(
    'Node.js runs the bundle with %j',
    async (options) => {
      const folder = await unpacked('onnx', options);
      // What `npm install` would put there.
      await symlink(resolve(import.meta.dirname, '../node_modules'), join(folder, 'node_modules'));
      const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'example.mjs'), image]);
      expectAnswer(stdout);
    },
  );

  test.for<Record<string, string>>([{}, { input: 'pixels' }])(
    'Python runs the bundle with %j',
    { timeout: pythonTimeout + 60_000 },
    async (options, context) => {
      const python = await pythonWith(['numpy', 'onnxruntime', 'pillow']);
      if (python === undefined) return context.skip('no Python with onnxruntime can be had here');
      const folder = await unpacked('onnx', options);
      const { stdout } = await promisify(execFile)(python, [join(folder, 'example.py'), image]);
      expectAnswer(stdout);
    },
  );
});

test.for(['safetensors', 'torch', 'npz'])(
  'PyTorch runs the bundle of %s',
  { timeout: pythonTimeout + 120_000 },
  async (format, context) => {
    const python = await pythonWith(['torch', 'safetensors', 'numpy', 'pillow'], pythonTimeout + 60_000);
    if (python === undefined) return context.skip('no Python with torch can be had here');
    const folder = await unpacked(format);
    const { stdout } = await promisify(execFile)(python, [join(folder, 'example.py'), image]);
    expectAnswer(stdout);
    const half = await unpacked(format, { precision: 'float16' });
    const smaller = await promisify(execFile)(python, [join(half, 'example.py'), image]);
    expectAnswer(smaller.stdout, 0.02);
  },
);

test('the command line saves bundles and cards', async () => {
  const main = join(inject('built'), 'apps/cli/source/main.js');
  const env = { ...process.env, DISTILLERY_URL: service.url, NO_COLOR: '1' };
  const distill = async (...args: string[]) =>
    (await promisify(execFile)(process.execPath, [main, ...args], { env })).stdout;
  const out = join(service.folder, 'saved');
  expect(
    await distill('download', id, '--bundle', '--format', 'tfjs', '--license', 'mit', '--out', out),
  ).toBe(
    ['report.json', 'control-seed1-tfjs.zip', 'soft-seed1-tfjs.zip']
      .map((name) => `${join(out, name)}\n`)
      .join(''),
  );
  expect(await distill('card', id, 'soft', '--license', 'mit')).toContain('license: "mit"\n');
});
