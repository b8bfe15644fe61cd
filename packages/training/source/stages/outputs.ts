import { augmentationName } from '@distillery/datasets';
import { z } from 'zod';
import type { BatchSource } from '../batches/batch-thread.ts';
import { forEachOutput, predictionLatency, predictLogits } from '../evaluate.ts';
import {
  intactRows,
  outputsAddress,
  outputsName,
  rowsName,
  rowWriter,
  type StoredRows,
  storedRowsSchema,
} from '../outputs.ts';
import { forwardWork } from '../planning/estimate.ts';
import {
  type Layout,
  learnersOf,
  networkOf,
  type PlannedStudent,
  type PlannedTeacher,
} from '../planning/layout.ts';
import { outputSets } from '../planning/output-sets.ts';
import { teacherShares } from '../planning/shares.ts';
import type { PlanningJob } from '../planning/stages.ts';
import { isFresh, isScored } from '../planning/students.ts';
import { aboutData, aboutDataSchema, dataBlobs } from './about-data.ts';
import { blobSchema } from './blob.ts';
import { loadMaterials, outputsKey, phase } from './materials.ts';
import type { StageContext, StageKind } from './stage.ts';
import { givenTeacher, storedFile, storeGiven } from './given-outputs.ts';
import { scoredTeacher } from './scored-teacher.ts';
import { openTeacher } from './teacher-provider.ts';
import { blobsOf, networkReferenceSchema, trainedNetworkSchema } from './trained-network.ts';
import { trainingOf } from './training-stage.ts';

const input = z.strictObject({
  network: z.string().describe('The name of a teacher, or of a student that teaches others.'),
  seed: z.number().int().optional().describe('The seed of a student; absent for a teacher.'),
  trained: networkReferenceSchema
    .optional()
    .describe('The stage that trained the network; absent for a teacher that the job does not train.'),
});
type Input = z.output<typeof input>;

/** The outputs that are stored for one augmentation. */
const outputsSetSchema = z.object({
  address: z
    .string()
    .describe('The folder of their manifests in the store, which an earlier job may have filled.'),
  teacher: z.string().describe('The name of the teacher.'),
  augmentation: z.string().describe('The transforms of the augmentation, joined by +, or `none`.'),
  views: z.number().int().describe('The number of different views of each image.'),
  taps: z.array(z.string()).describe('The taps that are stored.'),
  bytes: z.number().int().describe('The bytes of all taps and views.'),
  reused: z.boolean().describe('Whether every file had already been stored.'),
});

const resultSchema = z.object({
  teacher: z
    .string()
    .describe('The digest of all that determines the outputs: for a network, of its weights.'),
  sets: z.array(outputsSetSchema).describe('The stored outputs, one entry for each augmentation.'),
  testLogits: blobSchema
    .optional()
    .describe(
      "The logits for the job's test images, of a teacher that was trained on other data: `[test, classes]` float32.",
    ),
  given: z
    .object({ result: trainedNetworkSchema, data: aboutDataSchema })
    .optional()
    .describe(
      "The scores, on the job's data, of a teacher that the job does not train; absent where its outputs are given for the training samples alone.",
    ),
});
export type OutputsSet = z.output<typeof outputsSetSchema>;
export type OutputsResult = z.output<typeof resultSchema>;

/**
 * Computes the outputs of a frozen teacher that the students read, once for each image, view and tap. Rows that an
 * earlier job stored are reused where they are intact, and computed again where they are missing or damaged.
 */
export const outputs: StageKind<typeof input, typeof resultSchema> = {
  type: 'outputs',
  summary: "Stores a teacher's outputs for the training samples.",
  options: input,
  result: resultSchema,
  id: ({ network, seed }) => idOf(network, seed),
  needs: ({ trained }) => (trained === undefined ? [] : [trained.stage]),
  about: ({ network, seed }) => ({ networks: [network], ...(seed !== undefined && { seed }) }),
  plan(job) {
    const { spec, layout, train, test } = job;
    const trained = (name: string, seed: number) => {
      const reference = trainingOf(job, name, seed);
      return reference && { trained: reference };
    };
    const work = (name: string) => {
      const { plan } = networkOf(layout, name);
      return forwardWork(plan) * train * outputSets(layout, name).reduce((sum, { views }) => sum + views, 0);
    };
    const ofTeachers = layout.teachers
      .filter((planned) => storesOutputs(layout, planned))
      .map(({ teacher, plan }) => ({
        input: { network: teacher.name, ...trained(teacher.name, 0) },
        work: work(teacher.name) + forwardWork(plan) * test,
        shares: teacherShares('outputs', spec, teacher),
      }));
    const ofStudents = layout.students
      .filter((planned) => storesOutputs(layout, planned))
      .flatMap(({ student: { name } }) =>
        spec.seeds.map((seed) => ({
          input: { network: name, seed, ...trained(name, seed) },
          work: work(name),
        })),
      );
    return [...ofTeachers, ...ofStudents];
  },
  networks: ({ network, trained }, result) =>
    trained === undefined
      ? [{ name: network, role: 'teacher', seed: null, ...(result?.given && { trained: result.given }) }]
      : [],
  artifacts: ({ sets, testLogits, given }) => ({
    blobs: [
      ...(testLogits === undefined ? [] : [testLogits.digest]),
      ...(given === undefined ? [] : [...blobsOf(given.result), ...dataBlobs(given.data)]),
    ],
    shared: sets.map(({ address }) => address),
    manifests: sets.flatMap(({ address, taps, views }) =>
      taps.flatMap((tap) => Array.from({ length: views }, (_, view) => rowsName(address, tap, view))),
    ),
  }),
  shared: { folder: 'outputs', blobs: (manifest) => [blobSchema.parse(manifest).digest] },
  run,
};

/** Whether a stage stores the outputs of a network for students that read them, or scores it on the job's test images. */
export function storesOutputs(layout: Layout, network: PlannedTeacher | PlannedStudent): boolean {
  const { name } = 'teacher' in network ? network.teacher : network.student;
  const read = learnersOf(layout, name).some(({ student }) => !isFresh(student.training));
  return read || ('teacher' in network && isScored(network.teacher));
}

/** The stage that stores the outputs of one of a student's teachers; `seed` is the student's. */
export function outputsStage({ layout }: PlanningJob, network: string, seed: number): string {
  const isTeacher = layout.teachers.some((planned) => planned.teacher.name === network);
  return idOf(network, isTeacher ? undefined : seed);
}

function idOf(network: string, seed: number | undefined): string {
  if (seed !== undefined) return `outputs.${network}.${seed}`;
  return network === 'teacher' ? 'outputs' : `outputs.${network}`;
}

/**
 * @throws DistilleryError `artifact_corrupt` when the teacher's weights are not those of the digest in its result: the
 *   store verifies what it reads
 */
async function run(context: StageContext<Input>): Promise<OutputsResult> {
  const { job, store, emit, pause, input } = context;
  const materials = await loadMaterials(context);
  const { dataset, indices, layout } = materials;
  const name = input.network;
  const taught = networkOf(layout, name);
  const given = givenTeacher(taught);
  if (given !== undefined) return await storeGiven(context, materials, given);
  const { plan } = taught;
  const trained = input.trained && context.network(input.trained);
  const ownData = 'teacher' in taught && taught.teacher.dataset !== undefined;
  const wanted = outputSets(layout, name);
  const total = wanted.reduce((sum, { views }) => sum + views, 0);
  let done = 0;
  const provider = await openTeacher(context, taught, trained, dataset);
  try {
    const sets: OutputsSet[] = [];
    for (const { augmentation, views, taps } of wanted) {
      const key = outputsKey(provider.digest, materials, job.spec, augmentation, taught.classMap);
      const source = { dataset, split: dataset.train, augmentation, pool: indices.students };
      let bytes = 0;
      let computed = 0;
      for (let view = 0; view < views; view++) {
        const missing: string[] = [];
        for (const tap of taps) {
          const rows = await intactRows(store, outputsName(key, tap, view));
          if (rows === undefined) missing.push(tap);
          else bytes += rows.size;
        }
        if (missing.length > 0) {
          const stored = await storeView(missing, source, view);
          for (const [tap, rows] of Object.entries(stored)) {
            await store.commit(outputsName(key, tap, view), rows, storedRowsSchema);
            bytes += rows.size;
          }
          computed++;
        }
        done++;
      }
      const reused = computed === 0;
      sets.push({
        address: outputsAddress(key),
        teacher: name,
        augmentation: augmentationName(augmentation),
        views,
        taps,
        bytes,
        reused,
      });
    }
    return {
      teacher: provider.digest,
      sets,
      ...(ownData && { testLogits: await storedTestLogits() }),
      ...(trained === undefined && {
        given: {
          result: await scoredTeacher(context, materials, {
            plan,
            weights: await fileOf(),
            logits: await testLogits(),
            latencyMs: predictionLatency(provider, dataset.shape),
          }),
          data: await aboutData(materials, store),
        },
      }),
    };
  } finally {
    provider.dispose();
  }

  /** The stored file that the teacher comes from. */
  async function fileOf() {
    const path = 'teacher' in taught ? taught.teacher.options.path : undefined;
    if (typeof path === 'string') return await storedFile(context, path);
    return { digest: provider.digest, size: (await store.stat(provider.digest))?.size ?? 0 };
  }

  async function testLogits(): Promise<Float32Array> {
    const [logits] = await predictLogits(provider, dataset, dataset.test, pause);
    return logits;
  }

  async function storedTestLogits() {
    const { buffer, byteOffset, byteLength } = await testLogits();
    return await store.put(new Uint8Array(buffer, byteOffset, byteLength));
  }

  async function storeView(
    taps: string[],
    source: BatchSource,
    view: number,
  ): Promise<Record<string, StoredRows>> {
    const writers = taps.map((tap) => [tap, rowWriter(store, [...provider.taps[tap]])] as const);
    try {
      await forEachOutput(
        provider,
        source,
        indices.students,
        view,
        taps,
        async (outputs, from) => {
          for (const [tap, writer] of writers) {
            await writer.write(outputs[tap].dataSync() as Float32Array);
          }
          emit.progress(phase('storing', (done + from / indices.students.length) / total));
        },
        pause,
      );
    } catch (error) {
      for (const [, writer] of writers) writer.abort(error as Error);
      throw error;
    }
    return Object.fromEntries(
      await Promise.all(writers.map(async ([tap, writer]) => [tap, await writer.close()])),
    );
  }
}
