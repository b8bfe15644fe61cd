import { DistilleryError, type Samples } from '@distillery/spec';
import type { Store } from '@distillery/store';
import {
  comparedLogits,
  decodeTestSamples,
  divergences,
  type TestPredictions,
  type TestSamples,
} from '@distillery/training';
import { encodePng } from './png.ts';
import { type JobResults, labelsOf, predictedSoFar } from './predicted.ts';
import { recent } from '../recent.ts';

export interface SampleQuery {
  student: string;
  seed: number;
  sort: 'disagreement' | 'index';
  /** The index of a class; absent: of all. */
  class?: number | undefined;
  limit: number;
  offset: number;
  /** Of the softmax, for the disagreement. */
  temperature: number;
}

/** Each takes 16 MiB at most. */
const known = recent<TestSamples>(4);

/** @throws DistilleryError `sample_not_found` when the job was trained before samples were kept; those of the store */
async function keptSamples(store: Store, { data }: TestPredictions): Promise<TestSamples> {
  const { testSamples } = data;
  if (testSamples === undefined) {
    const why = 'its students were trained by a version of Distillery that kept no test samples';
    throw new DistilleryError('sample_not_found', `the job has no test samples: ${why}; submit it again`);
  }
  return known(testSamples.digest, async () => decodeTestSamples(await store.read(testSamples.digest)));
}

/**
 * Returns a page of test samples with the logits of a student, its teacher and its control.
 *
 * @throws DistilleryError `not_ready`, `student_not_found`, `teacher_not_found`, `sample_not_found`, `unsupported_job`; those of
 *   the store
 */
export async function samplesOf(
  store: Store,
  job: JobResults & { spec: unknown },
  { student: name, seed, sort, class: wanted, limit, offset, temperature }: SampleQuery,
): Promise<Samples> {
  const predictions = predictedSoFar(job);
  const { classes } = predictions.data;
  const { teacher, student, control } = await comparedLogits(store, job, predictions, { name, seed });
  const { indices, content } = await keptSamples(store, predictions);
  const labels = await labelsOf(store, predictions);
  const disagreements = divergences(teacher, student, classes.length, temperature);
  const places = Array.from(indices, (index, place) => ({ index, place })).filter(
    ({ index }) => wanted === undefined || labels[index] === wanted,
  );
  if (sort === 'disagreement') {
    places.sort((a, b) => disagreements[b.index] - disagreements[a.index] || a.index - b.index);
  }
  const row = (logits: Float32Array, index: number) =>
    Array.from(logits.subarray(index * classes.length, (index + 1) * classes.length), rounded);
  return {
    total: places.length,
    kind: content.kind,
    classes,
    samples: places.slice(offset, offset + limit).map(({ index, place }) => ({
      index,
      label: labels[index],
      text: content.kind === 'text' ? content.texts[place] : null,
      teacher: row(teacher, index),
      student: row(student, index),
      control: control && row(control, index),
      disagreement: rounded(disagreements[index]),
    })),
  };
}

/**
 * Returns a test image as PNG.
 *
 * @throws DistilleryError `not_ready`; `sample_not_found` when the sample was not kept or is a text; `unsupported_job`; those of
 *   the store
 */
export async function sampleImage(store: Store, job: JobResults, index: number): Promise<Uint8Array> {
  const { indices, content } = await keptSamples(store, predictedSoFar(job));
  if (content.kind !== 'image') {
    throw new DistilleryError('sample_not_found', 'the samples of the job are texts, which have no image');
  }
  const place = indices.indexOf(index);
  if (place === -1) {
    throw new DistilleryError(
      'sample_not_found',
      `test sample ${index} is none of the ${indices.length} that the job keeps`,
    );
  }
  const [height, width, channels] = content.shape;
  const size = height * width * channels;
  return encodePng(content.pixels.subarray(place * size, (place + 1) * size), { height, width, channels });
}

/** Seven digits are those of float32. */
function rounded(value: number): number {
  return Number(value.toPrecision(7));
}
