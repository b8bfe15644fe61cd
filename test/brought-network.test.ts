import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { formats } from '@distillery/formats';
import type { JobSpecInput, Report } from '@distillery/spec';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { stringify } from 'yaml';
import { type Service, startService } from './testing/service.ts';

// A teacher that was trained elsewhere: its file is brought by the command line, and teaches as it would have taught there.

let service: Service;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-brought-'));
  service = await startService({ roots: [folder] });
}, 120_000);
afterAll(async () => {
  await service?.close();
  if (folder !== undefined) await rm(folder, { recursive: true });
});

const spec: JobSpecInput = {
  name: 'trained here',
  dataset: { source: 'shapes', trainCount: 200, testCount: 100 },
  teacher: { architecture: { type: 'mlp', hidden: [32] } },
  students: [
    {
      name: 'soft',
      architecture: { type: 'mlp', hidden: [16] },
      method: [{ type: 'soft_target' }, { type: 'cross_entropy' }],
    },
  ],
  seeds: [1],
  training: { epochs: 2, batchSize: 40 },
  validation: 0,
};

async function distill(...args: string[]): Promise<string> {
  const main = join(inject('built'), 'apps/cli/source/main.js');
  const env = { ...process.env, DISTILLERY_URL: service.url, NO_COLOR: '1' };
  return (await promisify(execFile)(process.execPath, [main, ...args], { env })).stdout;
}

const studentsOf = ({ students }: Report) =>
  students.map(({ name, runs }) => [name, runs[0].last.weights.digest]);

test('a network in a file of PyTorch teaches as the job that trained it', { timeout: 240_000 }, async () => {
  const { job, report } = await service.complete(spec);
  const download = await service.client.jobs.download(job.id, { format: 'torch' });
  await writeFile(join(folder, 'teacher.pt'), await download.bytes());
  const description = {
    path: 'teacher.pt',
    name: 'from elsewhere',
    architecture: { type: 'mlp', hidden: [32] },
    classes: report.dataset.classes,
    input: [32, 32, 3],
    normalization: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
  };
  await writeFile(join(folder, 'network.yaml'), stringify(description));
  const added = await distill('networks', 'add', join(folder, 'network.yaml'));
  const [, weights] = /"weights": "([0-9a-f]{64})"/.exec(added) ?? [];
  expect(weights, added).toBeDefined();
  const [network] = await service.client.networks.list();
  expect(added).toContain(`${network.id} is kept: 98,666 parameters`);
  expect(await distill('networks')).toMatch(/from elsewhere +mlp +98,666/);

  const taught = await service.complete({ ...spec, teacher: { type: 'stored', network: network.id } });
  expect(studentsOf(taught.report)).toEqual(studentsOf(report));
  expect(taught.report.teachers[0].best.testAccuracy).toBe(report.teachers[0].best.testAccuracy);

  expect(await distill('networks', 'remove', network.id)).toBe(`  ${network.id} is removed\n`);
  expect(await service.client.networks.list()).toEqual([]);
});

test('an uploaded model in ONNX, and uploaded outputs, teach', { timeout: 240_000 }, async () => {
  const { client } = service;
  const { job, report } = await service.complete({ ...spec, name: 'source' });
  const send = async (name: string, bytes: Uint8Array) =>
    (await client.uploads.send(new Blob([bytes]), { name })).id;
  const installed = await import('onnxruntime-node').then(
    () => true,
    () => false,
  );
  if (installed) {
    const model = await client.jobs.download(job.id, { format: 'onnx' });
    const upload = await send('teacher.onnx', await model.bytes());
    const taught = await service.complete({ ...spec, teacher: { type: 'onnx', upload } });
    const [teacher] = taught.report.teachers;
    expect(teacher.best.testAccuracy).toBe(report.teachers[0].best.testAccuracy);
    // There is nothing to download of it but the file that was brought.
    expect((await client.jobs.checkpoints(taught.job.id)).some(({ network }) => network === 'teacher')).toBe(
      false,
    );
    await expect(client.jobs.download(taught.job.id)).rejects.toMatchObject({ code: 'checkpoint_not_found' });
  }
  const data = Float32Array.from({ length: 200 * 10 }, (_, index) => Math.sin(index));
  const train = { name: 'train', dtype: 'F32' as const, shape: [200, 10], data };
  const npz = formats.get('npz');
  const upload = await send(
    'answers.npz',
    npz.encode({ parameters: [train], metadata: {} }, npz.options.parse({})),
  );
  const given = await service.complete({ ...spec, teacher: { type: 'outputs', upload } });
  expect(given.report.teachers).toEqual([]);
  expect(given.report.warnings.join('\n')).toContain('check the order of its classes');
  expect(await client.jobs.card(given.job.id, 'soft', { license: 'mit' })).toMatch(/^---\nlicense: "mit"\n/);
  await client.uploads.delete(upload);
});
