import type { Dataset } from '@distillery/datasets';
import { DistilleryError } from '@distillery/spec';
import { z } from 'zod';
import type { BatchSource } from '../batches/batch-thread.ts';
import { forEachOutput, predict } from '../evaluate.ts';
import { createNetwork, disposeNetwork } from '../network.ts';
import {
  intactRows,
  outputsAddress,
  outputsName,
  rowWriter,
  type StoredRows,
  storedRowsSchema,
} from '../outputs.ts';
import { columns } from '../planning/class-map.ts';
import { forwardWork } from '../planning/estimate.ts';
import { networkOf } from '../planning/layout.ts';
import { outputSets, storedShape } from '../planning/output-sets.ts';
import type { PlannedStage, PlanningJob } from '../planning/stages.ts';
import { jobTeachers } from '../planning/students.ts';
import { loadWeights } from '../weights.ts';
import { blobSchema } from './blob.ts';
import { loadMaterials, outputsKey, phase } from './materials.ts';
import type { StageContext, StageKind } from './stage.ts';
import { networkReferenceSchema } from './trained-network.ts';

const input = z.strictObject({
  network: z.string().describe('a teacher, or a student that teaches others'),
  seed: z.number().int().optional().describe('of a student'),
  trained: networkReferenceSchema,
});
type Input = z.output<typeof input>;

/** What is stored for one augmentation. */
const outputsSetSchema = z.object({
  address: z.string().describe('where their manifests lie, also when an earlier job has put them there'),
  teacher: z.string(),
  augmentation: z.string(),
  views: z.number().int(),
  taps: z.array(z.string()),
  bytes: z.number().int(),
  reused: z.boolean().describe('true when every file was there already'),
});
type OutputsSet = z.output<typeof outputsSetSchema>;

const resultSchema = z.object({
  teacher: z.string().describe('the digest of the weights that computed the outputs'),
  sets: z.array(outputsSetSchema),
  testLogits: blobSchema
    .optional()
    .describe("a teacher's with data of its own, for the job's test images: `[test, classes]` float32"),
});
export type OutputsResult = z.output<typeof resultSchema>;

/**
 * Computes what the students will read of the frozen teacher, once for each image, view and tap. Rows that an earlier
 * job stored are reused where they are intact, and computed again where they are missing or damaged.
 */
export const outputs: StageKind<typeof input, typeof resultSchema> = {
  type: 'outputs',
  summary: "Stores a teacher's outputs for the training images",
  options: input,
  result: resultSchema,
  id: ({ network, seed }) => idOf(network, seed),
  needs: ({ trained }) => [trained.stage],
  about: ({ network, seed }) => ({ network, ...(seed !== undefined && { seed }) }),
  plan({ spec, layout, train, test }, before) {
    const work = (name: string) => {
      const { plan } = networkOf(layout, name);
      return forwardWork(plan) * train * outputSets(layout, name).reduce((sum, { views }) => sum + views, 0);
    };
    const ofTeachers = layout.teachers.map(({ teacher: { name }, plan }) => ({
      input: { network: name, trained: trainedBy(before, name, null) },
      work: work(name) + forwardWork(plan) * test,
    }));
    const ofStudents = layout.students
      .map(({ student }) => student.name)
      .filter((name) => layout.students.some(({ student }) => student.teachers.includes(name)))
      .flatMap((name) =>
        spec.seeds.map((seed) => ({
          input: { network: name, seed, trained: trainedBy(before, name, seed) },
          work: work(name),
        })),
      );
    return [...ofTeachers, ...ofStudents];
  },
  artifacts: ({ sets, testLogits }) => ({
    blobs: testLogits === undefined ? [] : [testLogits.digest],
    shared: sets.map(({ address }) => address),
  }),
  shared: { folder: 'outputs', blobs: (manifest) => [blobSchema.parse(manifest).digest] },
  run,
};

/** The stage that stores the outputs of one of a student's teachers; `seed` is the student's. */
export function outputsStage({ layout }: PlanningJob, network: string, seed: number): string {
  const isTeacher = layout.teachers.some((planned) => planned.teacher.name === network);
  return idOf(network, isTeacher ? undefined : seed);
}

function idOf(network: string, seed: number | undefined): string {
  if (seed !== undefined) return `outputs.${network}.${seed}`;
  return network === 'teacher' ? 'outputs' : `outputs.${network}`;
}

function trainedBy(before: readonly PlannedStage[], network: string, seed: number | null) {
  const found = before.find(({ networks }) =>
    networks.some((one) => one.name === network && one.seed === seed),
  );
  if (found === undefined) throw new DistilleryError('internal', `no stage trains ${network}`);
  return { stage: found.stage.id, network };
}

/**
 * @throws DistilleryError `artifact_corrupt` when the teacher's weights are not those of the digest in its result: the
 *   store verifies what it reads. Students see these outputs alone, so no step of theirs can change the teacher
 */
async function run(context: StageContext<Input>): Promise<OutputsResult> {
  const { job, store, tell, pause, input } = context;
  const materials = await loadMaterials(context);
  const { dataset, indices, layout } = materials;
  const name = input.network;
  const taught = networkOf(layout, name);
  const { forward, plan, classMap } = taught;
  const trained = context.network(input.trained);
  const teacherWeights = trained.result.best.weights.digest;
  // A teacher from elsewhere sees the job's images as it saw its own.
  const abroad = jobTeachers(job.spec).some((teacher) => teacher.name === name && teacher.dataset);
  const normalization = abroad ? trained.data.normalization : dataset.normalization;
  // Texts have no normalisation, and their teachers no data of their own.
  const seen = { ...dataset, normalization } as Dataset;
  const wanted = outputSets(layout, name);
  const total = wanted.reduce((sum, { views }) => sum + views, 0);
  let done = 0;
  const network = createNetwork(
    forward,
    dataset.shape,
    await loadWeights(store, teacherWeights, plan.parameters),
  );
  try {
    const sets: OutputsSet[] = [];
    for (const { augmentation, views, taps } of wanted) {
      const key = outputsKey(teacherWeights, materials, job.spec, augmentation, classMap);
      const source = { dataset: seen, split: dataset.train, augmentation };
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
        augmentation: augmentation.type,
        views,
        taps,
        bytes,
        reused,
      });
    }
    return { teacher: teacherWeights, sets, ...(abroad && { testLogits: await testLogits() }) };
  } finally {
    disposeNetwork(network);
  }

  /** The logits of the job's classes. */
  function ofJob(logits: Float32Array): Float32Array {
    return classMap === undefined ? logits : columns(logits, plan.taps.logits[0], classMap);
  }

  async function testLogits() {
    const [logits] = await predict(network, seen, dataset.test, pause);
    const { buffer, byteOffset, byteLength } = ofJob(logits);
    return await store.put(new Uint8Array(buffer, byteOffset, byteLength));
  }

  async function storeView(
    taps: string[],
    source: BatchSource,
    view: number,
  ): Promise<Record<string, StoredRows>> {
    const writers = taps.map((tap) => [tap, rowWriter(store, storedShape(taught, tap))] as const);
    try {
      await forEachOutput(
        network,
        source,
        indices.train,
        view,
        taps,
        async (outputs, from) => {
          for (const [tap, writer] of writers) {
            const values = outputs[tap].dataSync() as Float32Array;
            await writer.write(tap === 'logits' ? ofJob(values) : values);
          }
          tell.progress(phase('storing', (done + from / indices.train.length) / total));
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
