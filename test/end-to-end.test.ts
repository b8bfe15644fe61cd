import { createHash } from 'node:crypto';
import { decodeSafetensors, encodeSafetensors } from '@distillery/formats';
import { datasets } from '@distillery/datasets';
import { allInputs } from '@distillery/datasets/testing';
import type { JobSpecInput, JobSummary, JobView, Report } from '@distillery/spec';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pythonTimeout, pythonWith } from './testing/python.ts';
import { type Service, startService } from './testing/service.ts';

let service: Service;
let job: JobView;
let report: Report;

const dataset = { source: 'shapes', trainCount: 400, testCount: 200 };
const lightnn = { type: 'lightnn' };
const spec: JobSpecInput = {
  name: 'end to end',
  labels: { suite: 'test' },
  dataset,
  teacher: { architecture: { type: 'deepnn' } },
  students: [
    {
      name: 'soft',
      architecture: lightnn,
      method: [{ type: 'soft_target', temperature: 2 }, { type: 'cross_entropy' }],
    },
    { name: 'cosine', architecture: lightnn, method: [{ type: 'cosine' }, { type: 'cross_entropy' }] },
    { name: 'hint', architecture: lightnn, method: [{ type: 'hint' }, { type: 'cross_entropy' }] },
  ],
  training: { epochs: 1, batchSize: 64 },
};

beforeAll(async () => {
  service = await startService({ workers: 2 });
  ({ job, report } = await service.complete(spec));
}, 300_000);
afterAll(() => service.close(), 60_000);

describe('a job over HTTP', () => {
  test('finishes every stage at the first attempt', () => {
    expect(job.progress).toBe(100);
    expect(job.stages.map(({ id, state, attempt }) => [id, state, attempt])).toEqual(
      [
        'teacher',
        'outputs',
        'student.control.42',
        'student.soft.42',
        'student.cosine.42',
        'student.hint.42',
        'report',
      ].map((id) => [id, 'succeeded', 1]),
    );
  });

  test('spreads its students over both workers', () => {
    const students = job.stages.filter(({ kind }) => kind === 'student');
    expect(new Set(students.map(({ worker }) => worker)).size).toBe(2);
  });

  test('has metrics by stage, attempt, epoch and step', async () => {
    const { metrics: rows } = await service.client.jobs.metrics(job.id, { stage: 'student.hint.42' }).page();
    expect(rows.length).toBeGreaterThan(3);
    const steps = rows.filter(({ values }) => 'hint' in values);
    expect(steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(new Set(rows.map(({ stage, attempt, epoch }) => `${stage} ${attempt} ${epoch}`))).toEqual(
      new Set(['student.hint.42 1 0', 'student.hint.42 1 1']),
    );
  });

  test('trains students from the same initial weights as their control', () => {
    const initial = report.students.map(({ runs }) => runs[0].initialWeights);
    expect(initial).toHaveLength(4);
    expect(new Set(initial).size).toBe(1);
    expect(report.teachers[0].initialWeights).not.toBe(initial[0]);
  });

  test('the list of jobs shows the student that gained most over its control', async () => {
    const { jobs } = (await (await fetch(`${service.url}/v1/jobs`)).json()) as { jobs: JobSummary[] };
    const best = jobs.find(({ id }) => id === job.id)?.best;
    const accuracy = (name: string | null) =>
      report.students.find((one) => one.name === name)?.runs[0].best.testAccuracy as number;
    const gains = report.students
      .filter(({ control }) => control !== null)
      .map(({ name, control }) => ({ name, gain: accuracy(name) - accuracy(control) }));
    const highest = Math.max(...gains.map(({ gain }) => gain));
    expect(gains).toContainEqual({ name: best?.name, gain: highest });
    expect(best).toMatchObject({
      testAccuracy: { mean: accuracy(best?.name ?? null), sd: null },
      overControl: { mean: highest, sd: null },
    });
  });

  test('serves weights with the digest of the report', async () => {
    for (const { name, runs } of report.students) {
      const bytes = await (
        await service.client.jobs.download(job.id, { student: name, seed: 42, checkpoint: 'last' })
      ).bytes();
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(runs[0].last.weights.digest);
      const { tensors } = decodeSafetensors(bytes);
      expect(tensors.get('features.0.weight')?.shape).toEqual([16, 3, 3, 3]);
      expect(tensors.get('classifier.0.weight')?.shape).toEqual([256, 1024]);
    }
  });

  test('a second job reuses the same teacher and reports it', { timeout: 60_000 }, async () => {
    const students = [spec.students[0]];
    const again = await service.complete({ ...spec, students });
    expect(again.report.teachers[0].reused).toBe(true);
    expect(again.report.outputs.map(({ reused }) => reused)).toEqual([true]);
    // A student with the same seed and method has the same bytes, on any worker.
    const digest = ({ students: all }: Report) =>
      all.find(({ name }) => name === 'soft')?.runs[0].last.weights.digest;
    expect(digest(again.report)).toBe(digest(report));
  });
});

/** The tutorial's two classes; reads images and weights, prints each network's predictions. */
const evaluation = `
import json, sys, torch, safetensors.torch
from torch import nn

class DeepNN(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 128, kernel_size=3, padding=1), nn.ReLU(),
            nn.Conv2d(128, 64, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(kernel_size=2, stride=2),
            nn.Conv2d(64, 64, kernel_size=3, padding=1), nn.ReLU(),
            nn.Conv2d(64, 32, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(kernel_size=2, stride=2))
        self.classifier = nn.Sequential(nn.Linear(2048, 512), nn.ReLU(), nn.Dropout(0.1), nn.Linear(512, num_classes))

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))

class LightNN(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 16, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(kernel_size=2, stride=2),
            nn.Conv2d(16, 16, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(kernel_size=2, stride=2))
        self.classifier = nn.Sequential(nn.Linear(1024, 256), nn.ReLU(), nn.Dropout(0.1), nn.Linear(256, num_classes))

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))

data = safetensors.torch.load_file(sys.argv[1])
images, labels = data["images"].permute(0, 3, 1, 2).contiguous(), data["labels"]
answer = {}
for path in sys.argv[2:]:
    model = DeepNN() if "teacher" in path else LightNN()
    model.load_state_dict(safetensors.torch.load_file(path))
    model.eval()
    with torch.no_grad():
        answer[path] = int((model(images).argmax(1) == labels).sum())
print(json.dumps(answer))
`;

test('PyTorch loads the weights and scores the same to the last image', {
  timeout: pythonTimeout + 60_000,
}, async (context) => {
  const python = await pythonWith(['torch', 'safetensors', 'numpy']);
  if (python === undefined) return context.skip('no Python with torch and safetensors can be had here');
  const file = (name: string) => join(service.folder, name);
  const {
    test: images,
    normalization,
    shape,
  } = await datasets
    .get('shapes')
    .load(datasets.schema.parse(dataset), { cacheDir: file('data'), roots: [] });
  const { mean, std } = normalization as { mean: number[]; std: number[] };
  const normalized = Float32Array.from(
    await allInputs(images),
    (value, i) => (value / 255 - mean[i % 3]) / std[i % 3],
  );
  await writeFile(
    file('images.safetensors'),
    encodeSafetensors([
      { name: 'images', dtype: 'F32', shape: [images.count, ...shape], data: normalized },
      { name: 'labels', dtype: 'I32', shape: [images.count], data: images.labels },
    ]),
  );
  const networks = [
    { name: 'teacher', best: report.teachers[0].best },
    ...report.students.map(({ name, runs }) => ({ name, best: runs[0].best })),
  ];
  for (const { name } of networks) {
    const choice = name === 'teacher' ? {} : { student: name };
    await writeFile(
      file(`${name}.safetensors`),
      await (await service.client.jobs.download(job.id, choice)).bytes(),
    );
  }
  await writeFile(file('evaluate.py'), evaluation);
  const paths = networks.map(({ name }) => file(`${name}.safetensors`));
  const { stdout } = await promisify(execFile)(python, [
    file('evaluate.py'),
    file('images.safetensors'),
    ...paths,
  ]);
  const hits = JSON.parse(stdout) as Record<string, number>;
  for (const [index, { name, best }] of networks.entries()) {
    expect(hits[paths[index]] / images.count, name).toBe(best.testAccuracy);
  }
});
