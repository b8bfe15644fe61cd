import type { Forward } from '@distillery/engine';
import { DistilleryError } from '@distillery/spec';
import { isIntact } from '@distillery/store';
import { z } from 'zod';
import { type Checkpoint, openCheckpoints } from '../checkpoint.ts';
import { createNetwork, disposeNetwork, type Values } from '../network.ts';
import { trainingWork } from '../planning/estimate.ts';
import { type LaidStudent, viewsOf } from '../planning/layout.ts';
import type { PlanningJob } from '../planning/stages.ts';
import { withoutPrefix } from '../prefixes.ts';
import { type Pretrained, pretrainedOf, reconstruction } from '../pretraining.ts';
import { train } from '../train.ts';
import { encodeWeights, loadWeights } from '../weights.ts';
import { checkpointsOf, loadMaterials, type Materials, trainingKey, trainingProgress } from './materials.ts';
import { outputs } from './outputs.ts';
import type { StageContext, StageKind } from './stage.ts';
import { taughtBySchema, teacherRows, teachersOf } from './teacher-rows.ts';
import { blobSchema } from './blob.ts';

const input = z.strictObject({
  key: z.string().describe('tells which network it trains'),
  student: z.string().describe('one whose method needs it'),
  seed: z.number().int().optional().describe('where a teacher is itself a student'),
  teachers: z.array(taughtBySchema),
});
type Input = z.output<typeof input>;

const resultSchema = z.object({
  address: z.string().describe('of its manifest in the store, by which others find it'),
  weights: blobSchema,
  reconstruction: z.number().describe("the last epoch's mean"),
  reused: z.boolean().describe('true when an earlier job, or another student, had trained it'),
});
export type AuxiliaryResult = z.output<typeof resultSchema>;

/**
 * Trains a network that a student's method needs beforehand, on the stored outputs of its teacher, or takes the one that
 * was trained from the same: it is addressed by the digest of all that determines it.
 */
export const auxiliary: StageKind<typeof input, typeof resultSchema> = {
  type: 'auxiliary',
  summary: "Trains a network on a teacher's outputs that students' methods need",
  options: input,
  result: resultSchema,
  id: ({ key, seed }) => (seed === undefined ? `auxiliary.${key}` : `auxiliary.${key}.${seed}`),
  needs: ({ teachers }) => teachers.map(({ outputs: stage }) => stage),
  about: ({ key, seed }) => ({ network: key, ...(seed !== undefined && { seed }) }),
  plan: (job) =>
    job.layout.students.flatMap((planned) =>
      job.spec.seeds.flatMap((seed) =>
        pretrainedOf(planned).map(({ key, whole, training: { epochs } }) => ({
          input: auxiliaryInput(job, planned, key, seed),
          work: trainingWork(whole, epochs, job.train),
        })),
      ),
    ),
  artifacts: ({ address, weights }) => ({ blobs: [weights.digest], shared: [address] }),
  shared: { folder: 'auxiliaries', blobs: (manifest) => [resultSchema.parse(manifest).weights.digest] },
  run,
};

/** What the stage of one student's auxiliary network is told; students and seeds that share it have one stage. */
export function auxiliaryInput(job: PlanningJob, planned: LaidStudent, key: string, seed: number): Input {
  const { name, teachers } = planned.student;
  const taught = job.layout.students.some(({ student }) => teachers.includes(student.name));
  const own = { key, student: name, teachers: teachersOf(job, planned, seed) };
  return taught ? { ...own, seed } : own;
}

async function run(context: StageContext<Input>): Promise<AuxiliaryResult> {
  const { job, store, engine, input } = context;
  const materials = await loadMaterials(context);
  const planned = materials.layout.students.find(({ student }) => student.name === input.student);
  const wanted = planned && pretrainedOf(planned).find(({ key }) => key === input.key);
  if (planned === undefined || wanted === undefined) {
    throw new DistilleryError('internal', `no method of ${input.student} needs the network ${input.key}`);
  }
  const teachers = input.teachers.map(({ outputs: stage }) => context.result(outputs, stage).teacher);
  const address = `auxiliaries/${trainingKey({ auxiliary: wanted.key, teachers }, materials, job.spec, engine)}`;
  const known = await store.manifest(address, resultSchema);
  if (known !== undefined) {
    if (await isIntact(store, known.weights.digest)) return { ...known, reused: true };
    await store.removeManifest(address);
  }
  const { values, loss } = await trained(context, materials, planned, wanted);
  const weights = await store.put(encodeWeights(wanted.whole.parameters, values));
  const result = { address, weights, reconstruction: loss, reused: false };
  await store.commit(address, result, resultSchema);
  return result;
}

/**
 * The training loop as students have it: its checkpoints, its views, its batches. Beside what is trained there is a
 * network that has nothing to learn.
 */
async function trained(
  context: StageContext<Input>,
  materials: Materials,
  planned: LaidStudent,
  wanted: Pretrained,
): Promise<{ values: Values; loss: number }> {
  const { job, input, tell, pause } = context;
  const { dataset, indices } = materials;
  const { training } = wanted;
  const idle: Forward = (net, x) =>
    net.tap('logits', net.slice(net.flatten(x), { from: 0, to: dataset.classes.length }));
  const network = createNetwork(idle, dataset.shape, 0);
  const { resume, save } = await openCheckpoints(checkpointsOf(context));
  let last: Checkpoint | undefined = resume;
  const stepsPerEpoch = Math.ceil(indices.train.length / training.batchSize);
  const progress = trainingProgress({ stepsPerEpoch, epochs: training.epochs });
  try {
    const { losses } = await train({
      network,
      method: [reconstruction(wanted)],
      dataset,
      indices: { train: indices.train, validation: new Int32Array() },
      training,
      seed: training.seed,
      views: viewsOf(planned.student.training),
      teacher: await teacherRows(context, materials, planned, input.teachers, [wanted.how.tap]),
      resume,
      checkpoints: job.spec.checkpoints,
      hooks: {
        metrics: (epoch, step, values) =>
          tell.metrics({ epoch, step, time: new Date().toISOString(), values }),
        progress: (phase, cursor) => tell.progress(progress(phase, cursor)),
        warning: tell.warning,
        async checkpoint(checkpoint) {
          last = checkpoint;
          await save(checkpoint);
        },
        pause,
      },
    });
    // The last epoch ends with a checkpoint.
    const values = withoutPrefix('reconstruction.network/', (last as Checkpoint).groups.auxiliary);
    return { values, loss: losses.reconstruction };
  } finally {
    disposeNetwork(network);
  }
}

/**
 * The weights of a student's auxiliary networks that were trained before it, `<term>.<auxiliary>/<parameter>`.
 *
 * @throws DistilleryError `artifact_corrupt` when one is missing or has another shape
 */
export async function loadPretrained(
  { store, result }: StageContext,
  planned: LaidStudent,
  auxiliaries: readonly { key: string; stage: string }[],
): Promise<Values> {
  const all: Values = {};
  for (const { name, plan, key } of pretrainedOf(planned)) {
    const { stage } = auxiliaries.find((one) => one.key === key) ?? {};
    if (stage === undefined) throw new DistilleryError('internal', `no stage trains ${name}`);
    const { weights } = result(auxiliary, stage);
    const values = await loadWeights(store, weights.digest, plan.parameters);
    for (const [parameter, value] of Object.entries(values)) all[`${name}/${parameter}`] = value;
  }
  return all;
}
