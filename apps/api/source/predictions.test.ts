import { memoryDataset } from '@distillery/datasets';
import { analysisSchema, samplesSchema } from '@distillery/spec';
import { studentResult, teacherResult, trainedNetwork } from '@distillery/training/testing';
import { encodeTestSamples } from '@distillery/training/test-samples';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { finish, privateApi, problem, submitted } from './testing/api.ts';

const held = privateApi();

const classes = ['cat', 'dog', 'eel'];
const labels = Int32Array.of(0, 1, 0, 1);
/** `[test, classes]`: the student takes the last dog for a cat, the control is sure of cats. */
const logits = {
  teacher: [4, 0, 0, 0, 4, 0, 4, 0, 0, 0, 4, 0],
  soft: [4, 0, 0, 0, 4, 0, 3, 0, 0, 5, 0, 0],
  control: [9, 0, 0, 9, 0, 0, 9, 0, 0, 9, 0, 0],
};

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Int32Array) =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);

/** A job whose students are trained, with real files behind their results. */
async function trained({ kept = true, students = ['soft', 'control'] } = {}): Promise<string> {
  const { store } = held;
  const { id } = await submitted(held, { seeds: [42] });
  const data = await memoryDataset(
    {
      classes,
      shape: [1, 2, 3],
      skipped: { count: 0, first: [] },
      normalization: { mean: [0, 0, 0], std: [1, 1, 1] },
    },
    {
      train: { inputs: new Uint8Array(6), labels: Int32Array.of(0) },
      test: { inputs: Uint8Array.from({ length: 24 }, (_, i) => 10 * i), labels },
    },
    undefined,
  );
  const dataset = {
    ...studentResult().dataset,
    classes,
    test: 4,
    testLabels: await store.put(bytesOf(labels)),
    ...(kept && { testSamples: await store.put(await encodeTestSamples(data)) }),
  };
  const result = async (name: keyof typeof logits) => {
    const network = trainedNetwork();
    network.best.logits = await store.put(bytesOf(Float32Array.from(logits[name])));
    return network;
  };
  await finish(held, id, 'teacher', { ...teacherResult(await result('teacher')), dataset });
  await finish(held, id, 'outputs', { teacher: 'x', sets: [] });
  for (const name of students) {
    await finish(held, id, `student.${name}.42`, { result: await result(name as 'soft'), dataset });
  }
  return id;
}

test('the analysis has accuracy for each class, confusion and calibration of each network', async () => {
  const id = await trained();
  const response = await held.request(`/v1/jobs/${id}/analysis`);
  const { networks, ...rest } = analysisSchema.parse(await response.json());
  expect(rest).toEqual({ classes });
  expect(networks.map(({ role, name, seed, stage }) => [role, name, seed, stage])).toEqual([
    ['teacher', 'teacher', null, 'teacher'],
    ['student', 'control', 42, 'student.control.42'],
    ['student', 'soft', 42, 'student.soft.42'],
  ]);
  const [teacher, control, soft] = networks;
  expect(teacher.classAccuracy).toEqual([1, 1, null]);
  expect(soft.classAccuracy).toEqual([1, 0.5, null]);
  expect(soft.confusion).toEqual([
    [2, 0, 0],
    [1, 1, 0],
    [0, 0, 0],
  ]);
  expect(control.reliability).toHaveLength(15);
  expect(control.reliability.at(-1)).toEqual({ confidence: expect.closeTo(1, 3), accuracy: 0.5, count: 4 });
  expect(control.reliability[0]).toEqual({ confidence: 0, accuracy: 0, count: 0 });
});

test('samples come with the logits of teacher, student and control, those that they differ on first', async () => {
  const id = await trained();
  const samples = async (query: string) =>
    samplesSchema.parse(
      await (await held.request(`/v1/jobs/${id}/samples?student=soft&seed=42${query}`)).json(),
    );
  const { samples: found, ...rest } = await samples('');
  expect(rest).toEqual({ total: 4, kind: 'image', classes });
  expect(found.map(({ index }) => index)).toEqual([3, 2, 0, 1]);
  expect(found[0]).toMatchObject({
    label: 1,
    text: null,
    teacher: [0, 4, 0],
    student: [5, 0, 0],
    control: [9, 0, 0],
  });
  // KL(p ‖ q) of [0, 4, 0] and [5, 0, 0].
  const [p, q] = [Math.log(Math.exp(4) + 2), Math.log(Math.exp(5) + 2)];
  const kl = Math.exp(4 - p) * (4 - p + q) + Math.exp(-p) * (-p + q - 5) + Math.exp(-p) * (-p + q);
  expect(found[0].disagreement).toBeCloseTo(kl, 5);
  expect(found.at(-1)?.disagreement).toBe(0);
  // A high temperature makes all answers alike.
  const warm = await samples('&temperature=50');
  expect(warm.samples[0].disagreement).toBeGreaterThan(0);
  expect(warm.samples[0].disagreement).toBeLessThan(kl / 100);

  const cats = await samples('&class=0&sort=index&limit=1&offset=1');
  expect([cats.total, ...cats.samples.map(({ index }) => index)]).toEqual([2, 2]);
  const control = await held.request(`/v1/jobs/${id}/samples?student=control&seed=42`);
  expect(samplesSchema.parse(await control.json()).samples[0].control).toBeNull();
});

test('a sample is an image', async () => {
  const id = await trained();
  const response = await held.request(`/v1/jobs/${id}/samples/2/image`);
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/png']);
  const { data, info } = await sharp(await response.arrayBuffer())
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect([info.width, info.height]).toEqual([2, 1]);
  expect([...data]).toEqual([120, 130, 140, 150, 160, 170]);
  expect((await problem(await held.request(`/v1/jobs/${id}/samples/4/image`))).code).toBe('sample_not_found');
});

test('what is not there is refused with its reason', async () => {
  const refused = async (id: string, path: string) => {
    const { code, detail } = await problem(await held.request(`/v1/jobs/${id}/${path}`));
    return `${code}: ${detail}`;
  };
  const soft = 'samples?student=soft&seed=42';
  const { id: queued } = await submitted(held, { seeds: [42] });
  for (const path of ['analysis', soft, 'samples/1/image']) {
    expect(await refused(queued, path)).toBe('not_ready: no student of the job is trained yet');
  }
  const half = await trained({ students: ['control'] });
  expect(await refused(half, soft)).toBe('not_ready: soft is not trained yet');
  expect(await refused(half, 'samples?student=x&seed=42')).toBe(
    'student_not_found: the job has no student x',
  );
  expect(await refused(half, 'samples?student=soft&seed=1')).toMatch(/^student_not_found: .*seeds are: 42/);
  const old = await trained({ kept: false });
  expect((await held.request(`/v1/jobs/${old}/analysis`)).status).toBe(200);
  expect(await refused(old, soft)).toMatch(/^sample_not_found: the job has no test samples: .*kept no test/);
  expect(await refused('job_x', 'analysis')).toMatch(/^job_not_found/);
});
