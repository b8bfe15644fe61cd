import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createClient } from '@distillery/client';
import { png, zipFile } from '@distillery/datasets/testing';
import { sha256, type JobSpecInput, type StoredDataset } from '@distillery/spec';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { stringify } from 'yaml';
import { type Service, startService } from './testing/service.ts';
import { startTcpProxy } from './testing/tcp-proxy.ts';

// People bring their own data: the files go to the service, which trains on them.

let service: Service;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-uploaded-'));
  service = await startService();
}, 120_000);
afterAll(async () => {
  await service?.close();
  if (folder !== undefined) await rm(folder, { recursive: true });
});

async function distill(...args: string[]): Promise<string> {
  const main = join(inject('built'), 'apps/cli/source/main.js');
  const env = { ...process.env, DISTILLERY_URL: service.url, NO_COLOR: '1' };
  return (await promisify(execFile)(process.execPath, [main, ...args], { env })).stdout;
}

const mlp = (...hidden: number[]) => ({ type: 'mlp', hidden });
const specOn = (dataset: object, epochs = 3): JobSpecInput => ({
  dataset,
  teacher: { architecture: mlp(32) },
  students: [
    { name: 'soft', architecture: mlp(8), method: [{ type: 'soft_target' }, { type: 'cross_entropy' }] },
  ],
  seeds: [1],
  training: { epochs, batchSize: 16 },
  validation: 0,
});

test('a zip of images is uploaded, read and trained on', { timeout: 240_000 }, async () => {
  const entries: Record<string, Buffer> = {};
  for (let i = 0; i < 48; i++) {
    entries[`train/warm/${i}.png`] = await png(255 - i, i, i, 8, 8);
    entries[`train/cold/${i}.png`] = await png(i, i, 255 - i, 8, 8);
  }
  for (let i = 0; i < 8; i++) {
    entries[`test/warm/${i}.png`] = await png(255 - i, i + (i > 3 ? 1 : 0), i, 8, 8);
    entries[`test/cold/${i}.png`] = await png(i, i + 1, 255 - i, 8, 8);
  }
  entries['train/cold/broken.png'] = Buffer.from('no image');
  const content = zipFile(entries);
  const file = new Blob([new Uint8Array(content)]);
  const { id, summary, state } = await service.client.datasets.add(
    file,
    {},
    { name: 'pets.zip', pieceBytes: 4000 },
  );
  expect(state).toBe('ready');
  expect(summary).toMatchObject({ classes: 2, train: 96, test: 16, skipped: 1, shape: [8, 8, 3] });
  const leak = '4 of 16 test samples equal a training sample';
  expect(summary?.warnings).toEqual([expect.stringContaining(leak)]);

  const dataset = { source: 'uploaded', id };
  expect((await service.client.jobs.validate(specOn(dataset))).warnings).toEqual([
    expect.stringContaining(leak),
  ]);
  const { job, report } = await service.complete(specOn(dataset));
  expect(report.dataset).toMatchObject({
    source: 'image_folder',
    classes: ['cold', 'warm'],
    train: 96,
    test: 16,
  });
  expect(report.students[0].testAccuracy.last.mean).toBeGreaterThan(0.9);
  expect(job.warnings.map(({ message }) => message)).toContainEqual(expect.stringContaining(leak));
  expect(job.skippedData).toMatchObject([{ count: 1, samples: [{ name: 'train/cold/broken.png' }] }]);

  // The teacher depends on the content: the same file under another id shares it.
  const again = await service.client.datasets.add(file, { name: 'another' }, { name: 'pets.zip' });
  expect(again).toMatchObject({ state: 'ready', summary });
  expect(again.id).not.toBe(id);
  await service.client.datasets.delete(id);
  const second = await service.complete(specOn({ source: 'uploaded', id: again.id }));
  expect(second.report.teachers[0].best.weights.digest).toBe(report.teachers[0].best.weights.digest);
});

test('a CSV is uploaded by the command line and trained on', { timeout: 240_000 }, async () => {
  const rows = Array.from(
    { length: 200 },
    (_, i) => `${i % 7},${i % 2 ? 3 : -3},${i % 2 ? 'high' : 'low'}\n`,
  );
  await writeFile(join(folder, 'numbers.csv'), `noise,height,label\n${rows.join('')}1,2\n`);
  const added = await distill('datasets', 'add', join(folder, 'numbers.csv'), '--option', 'testFraction=0.2');
  const [, id] = /(data_[0-9a-f]{26}): numbers\.csv, table/.exec(added) ?? [];
  expect(id, added).toBeDefined();
  expect(added).toContain('160 training and 40 test samples (table, 2) of 2 classes');
  expect(added).toContain('1 files or rows were skipped');
  expect(added).toContain(`"dataset": {"source": "uploaded", "id": "${id}"}`);
  expect(await distill('dataset')).toMatch(new RegExp(`${id} +numbers\\.csv +table +ready +200`));
  const shown = await distill('dataset', 'show', id);
  expect(shown).toMatch(/high +80 +20/);
  expect(shown).toMatch(/height: mean 0\.000, deviation 3\.000/);
  expect(shown).toContain('skipped: numbers.csv, line 202');

  const { report } = await service.complete(specOn({ source: 'uploaded', id }, 40));
  expect(report.students[0].testAccuracy.last.mean).toBeGreaterThan(0.9);
  expect(await distill('datasets', 'delete', id)).toBe(`  ${id} is deleted\n`);
  expect((await service.client.datasets.list()).map((one: StoredDataset) => one.id)).not.toContain(id);

  await writeFile(join(folder, 'broken.csv'), 'text,label\na,x\nb,y,more\nc,x,more\nd,y,more\n');
  const refused = await distill('datasets', 'add', join(folder, 'broken.csv')).catch(
    (error: { code: number; stdout: string }) => error,
  );
  expect(refused).toMatchObject({ code: 3, stdout: expect.stringMatching(/It cannot be used: .*line 3/) });
});

test('the client goes on with an upload that is cut again and again', { timeout: 120_000 }, async () => {
  const content = Buffer.alloc(6 * 2 ** 20, 'row,of,numbers\n');
  let cuts = 0;
  const room = () => (cuts++ < 20 ? 300_000 : Infinity);
  const proxy = await startTcpProxy(Number(new URL(service.url).port), undefined, room);
  const client = createClient(`http://127.0.0.1:${proxy.port}`);
  const stored: number[] = [];
  const upload = await client.uploads.send(new File([content], 'numbers.csv'), {
    pieceBytes: 2 ** 20,
    retries: 50,
    onProgress: (now) => stored.push(now),
  });
  await proxy.close();
  expect(cuts).toBeGreaterThan(20);
  expect(upload).toMatchObject({ name: 'numbers.csv', size: content.length, digest: sha256(content) });
  expect(stored.at(-1)).toBe(content.length);
  expect(stored).toEqual(stored.toSorted((a, b) => a - b));

  // Another process goes on with an upload that was left.
  const left = new AbortController();
  const options = { name: 'left.csv', pieceBytes: 2 ** 20 };
  let id = '';
  const leaving = service.client.uploads.send(new Blob([content]), {
    ...options,
    signal: left.signal,
    onProgress: (_now, _size, begun) => {
      id = begun;
      left.abort(new Error('left'));
    },
  });
  await expect(leaving).rejects.toThrow('left');
  const ended = await service.client.uploads.send(new Blob([content]), { ...options, resume: id });
  expect(ended).toMatchObject({ id, name: 'left.csv', digest: sha256(content) });
  await service.client.uploads.delete(id);
  expect((await service.client.uploads.list()).map((one) => one.id)).not.toContain(id);
});

test('a network is uploaded by the command line, and teaches', { timeout: 240_000 }, async () => {
  const shapes = specOn({ source: 'shapes', trainCount: 200, testCount: 100 });
  const { job, report } = await service.complete(shapes);
  const weights = await service.client.jobs.download(job.id, { format: 'torch' });
  await writeFile(join(folder, 'teacher.pt'), await weights.bytes());
  const description = {
    name: 'uploaded',
    architecture: mlp(32),
    classes: report.dataset.classes,
    input: [32, 32, 3],
    normalization: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
  };
  await writeFile(join(folder, 'network.yaml'), stringify(description));
  const added = await distill(
    'networks',
    'add',
    join(folder, 'network.yaml'),
    '--file',
    join(folder, 'teacher.pt'),
  );
  const [, digest] = /"weights": "([0-9a-f]{64})"/.exec(added) ?? [];
  expect(digest, added).toBeDefined();
  const taught = await service.complete({ ...shapes, teacher: { type: 'stored', weights: digest } });
  expect(taught.report.students[0].runs[0].last.weights.digest).toBe(
    report.students[0].runs[0].last.weights.digest,
  );
  // A file that holds other weights names them.
  const wrong = service.client.networks.add(new Blob([await weightsOf(job.id)]), {
    ...description,
    architecture: mlp(33),
    input: [32, 32, 3],
  });
  await expect(wrong).rejects.toMatchObject({
    code: 'invalid_network',
    errors: [{ path: expect.stringMatching(/^\/weights\//) }, {}, {}],
  });
});

async function weightsOf(job: string): Promise<Uint8Array<ArrayBuffer>> {
  const file = await service.client.jobs.download(job, { format: 'torch' });
  return new Uint8Array(await file.bytes());
}
