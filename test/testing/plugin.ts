/**
 * A plug-in with one kind for each registry, as it would be written outside of this repository. It imports only what the
 * packages export.
 */
import type { DatasetKind, ReaderDescription, ReaderKind, Transform } from '@distillery/datasets';
import type { Format } from '@distillery/formats';
import type { Term } from '@distillery/methods';
import type { Architecture } from '@distillery/models';
import { digestOf, weightSchema } from '@distillery/spec';
import { openStore, type StoreKind } from '@distillery/store';
import type { TeacherKind } from '@distillery/teachers';
import type { Plugin, StageKind } from '@distillery/training';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';

/** Mean absolute difference of logits. */
const absolute: Term = {
  type: 'absolute',
  summary: 'Mean absolute difference of the logits',
  formula: 'mean |z_s − z_t|',
  options: z.strictObject({ weight: weightSchema.default(1) }),
  bind: () => ({
    student: ['logits'],
    teacher: ['logits'],
    matching: true,
    auxiliary: {},
    loss: ({ student, teacher }) => tf.mean(tf.abs(tf.sub(student.logits, teacher.logits))),
  }),
};

/** One linear layer. */
const linear: Architecture = {
  type: 'linear',
  summary: 'One linear layer over the flattened image',
  options: z.strictObject({}),
  forward(net, image, _options, { classes }) {
    const features = net.tap('features', net.flatten(image));
    return net.tap('logits', net.linear('classifier', features, { out: classes }));
  },
};

const size = 8;
const bytes = size * size * 3;

/** Computes an image when it is asked for; no image is kept anywhere. */
const stripesReader: ReaderKind = {
  type: 'stripes',
  open: () => ({
    read(indices, into) {
      indices.forEach((index, row) => {
        const vertical = index % 2 === 1;
        for (let at = 0; at < size * size; at++) {
          const line = vertical ? at % size : Math.floor(at / size);
          // Some noise, the same whenever an image is read.
          const noise = (index * 31 + at * 17) % 23;
          into.fill(
            line % 2 === 0 ? 40 + noise : 200 - noise,
            row * bytes + at * 3,
            row * bytes + at * 3 + 3,
          );
        }
      });
    },
    close() {},
  }),
};

/** Endless images of horizontal and vertical stripes: a source that streams. */
const stripes: DatasetKind = {
  type: 'stripes',
  summary: 'Images of stripes, 8×8, computed when they are read',
  options: z.strictObject({ count: z.int().min(8).default(64).describe('Training images.') }),
  async outline({ count }) {
    return {
      classes: ['horizontal', 'vertical'],
      shape: [size, size, 3],
      trainCount: count as number,
      testCount: 16,
    };
  },
  async load({ count }) {
    const split = (name: string, samples: number) => {
      const reader: ReaderDescription = {
        kind: 'stripes',
        count: samples,
        shape: [size, size, 3],
        bytes,
        digest: digestOf({ stripes: name, samples }),
      };
      return { reader, labels: Int32Array.from({ length: samples }, (_, i) => i % 2), count: samples };
    };
    return {
      digest: digestOf({ stripes: count }),
      classes: ['horizontal', 'vertical'],
      shape: [size, size, 3],
      normalization: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
      skipped: { count: 0, first: [] },
      train: split('train', count as number),
      test: split('test', 16),
    };
  },
};

/** Inverts images. */
const negative: Transform = {
  type: 'negative',
  summary: 'Inverts half of the images',
  options: z.strictObject({}),
  changes: 'pixels',
  open: () => (image, stream, into) => {
    const inverted = stream.below(2) === 1;
    into.set(inverted ? image.map((byte) => 255 - byte) : image);
  },
};

/** Weights as plain JSON. */
const json: Format = {
  type: 'json',
  summary: 'Names, shapes and numbers as JSON',
  options: z.strictObject({}),
  mediaType: 'application/json',
  extension: 'json',
  encode({ parameters, metadata }) {
    const weights = parameters.map(({ name, shape, data }) => ({
      name,
      shape,
      data: Array.from(data, Number),
    }));
    return Buffer.from(JSON.stringify({ metadata, weights }));
  },
};

/** A folder, under a scheme of its own. */
const mirror: StoreKind = {
  scheme: 'mirror',
  summary: 'A folder, as file: has it',
  async open(url, context) {
    return { ...(await openStore(url.href.replace(/^mirror:/, 'file:'), context)), url: url.href };
  },
};

/** A teacher that needs no network: it is sure of the class of stripes that it sees. */
const oracle: TeacherKind = {
  type: 'oracle',
  summary: 'Knows horizontal from vertical stripes',
  options: z.strictObject({}),
  trains: false,
  outline: async () => ({ architecture: { type: 'linear' } }),
  open: async () => ({
    digest: digestOf({ teacher: 'oracle' }),
    taps: { logits: [2] },
    activations: 2,
    predict: ({ images }) =>
      tf.tidy(() => {
        // Vertical stripes vary along a row, horizontal ones along a column.
        const along = (axis: number) => {
          const [from, to] = [
            [0, 0, 0, 0],
            [0, 0, 0, 0],
          ];
          to[axis] = 1;
          const extent = [-1, size, size, -1];
          extent[axis] = size - 1;
          const difference = tf.sub(tf.slice(images, from, extent), tf.slice(images, to, extent));
          return tf.mean(tf.abs(difference), [1, 2, 3]);
        };
        return { logits: tf.stack([along(1), along(2)], 1) };
      }),
    dispose() {},
  }),
};

const censusInput = z.strictObject({ students: z.array(z.string()) });
const censusResult = z.object({ networks: z.int() });

/** Counts the networks that the students' stages have trained. */
const census: StageKind<typeof censusInput, typeof censusResult> = {
  type: 'census',
  summary: 'Counts trained networks',
  options: censusInput,
  result: censusResult,
  id: () => 'census',
  needs: ({ students }) => students,
  about: () => ({}),
  plan: (_job, before) => [
    {
      input: {
        students: before.filter(({ stage }) => stage.kind === 'student').map(({ stage }) => stage.id),
      },
      work: 0,
    },
  ],
  artifacts: () => ({ blobs: [], shared: [] }),
  run: async ({ input, records }) => {
    const done = records.filter(({ id }) => input.students.includes(id));
    return { networks: done.length };
  },
};

export default {
  terms: [absolute],
  architectures: [linear],
  datasets: [stripes],
  readers: [stripesReader],
  transforms: [negative],
  teachers: [oracle],
  formats: [json],
  stores: [mirror],
  stages: [census],
} satisfies Plugin;
