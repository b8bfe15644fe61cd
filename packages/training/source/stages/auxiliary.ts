import { DistilleryError } from '@distillery/spec';
import { claim } from '@distillery/store';
import { z } from 'zod';
import { openCheckpoints } from '../checkpoint.ts';
import type { PretrainedValues } from '../components/auxiliary-networks.ts';
import { train } from '../loop.ts';
import { disposeNetwork, readValues, type Values } from '../network.ts';
import { teachingWork, trainingWork } from '../planning/estimate.ts';
import { networkOf, type PlannedStudent } from '../planning/layout.ts';
import { viewsOf } from '../planning/students.ts';
import { type PlanningJob, requirementsOf } from '../planning/stages.ts';
import { type Pretrained, pretrainedOf, reconstruction } from '../pretraining.ts';
import { encodeWeights, loadWeights } from '../weights.ts';
import { checkpointsOf, loadMaterials, type Materials, trainingKey, trainingProgress } from './materials.ts';
import type { StageContext, StageKind } from './stage.ts';
import { digestOfTeacher, openTeacherTaps, stageOf, taughtBySchema, teachersOf } from './teacher-taps.ts';
import { blobSchema } from './blob.ts';

const input = z.strictObject({
  key: z.string().describe('The key of the network that the stage trains.'),
  student: z.string().describe('A student whose method needs the network.'),
  seed: z
    .number()
    .int()
    .optional()
    .describe('The seed of the run, where the teacher is itself a student of the job.'),
  teachers: z.array(taughtBySchema).describe('The teachers whose outputs the network is trained on.'),
});
type Input = z.output<typeof input>;

const resultSchema = z.object({
  address: z.string().describe('The name of its manifest in the store, by which other jobs find it.'),
  weights: blobSchema,
  reconstruction: z.number().describe('The mean reconstruction loss of the last epoch.'),
  reused: z
    .boolean()
    .describe('Whether the network had already been trained for an earlier job or another student.'),
});
export type AuxiliaryResult = z.output<typeof resultSchema>;

/**
 * Trains a network that a student's method needs beforehand, on the outputs of its teacher, or reuses one that was
 * trained in the same way. Its address is the digest of all that determines it.
 */
export const auxiliary: StageKind<typeof input, typeof resultSchema> = {
  type: 'auxiliary',
  summary: "Trains a network that students' methods need on a teacher's outputs.",
  options: input,
  result: resultSchema,
  id: ({ key, seed }) => (seed === undefined ? `auxiliary.${key}` : `auxiliary.${key}.${seed}`),
  needs: ({ teachers }) => teachers.map(stageOf),
  about: ({ key, seed }) => ({ networks: [key], ...(seed !== undefined && { seed }) }),
  plan: (job) =>
    job.layout.students.flatMap((planned) => {
      const wanted = pretrainedOf(planned);
      return job.spec.seeds.flatMap((seed) =>
        wanted.map(({ key, whole, training, pretraining }) => ({
          input: auxiliaryInput(job, planned, key, seed),
          work:
            trainingWork(whole, training.epochs, job.train) +
            teachingWork(job.layout, planned, training.epochs, job.train, [pretraining.tap]),
          ...requirementsOf(training),
        })),
      );
    }),
  artifacts: ({ address, weights }) => ({ blobs: [weights.digest], shared: [address] }),
  shared: { folder: 'auxiliaries', blobs: (manifest) => [resultSchema.parse(manifest).weights.digest] },
  run,
};

/** The input of the stage that trains a student's auxiliary network; students and seeds with equal inputs share it. */
export function auxiliaryInput(job: PlanningJob, planned: PlannedStudent, key: string, seed: number): Input {
  const { name, teachers } = planned.student;
  const taught = teachers.some((teacher) => 'student' in networkOf(job.layout, teacher));
  const own = { key, student: name, teachers: teachersOf(job, planned, seed) };
  return taught ? { ...own, seed } : own;
}

async function run(context: StageContext<Input>): Promise<AuxiliaryResult> {
  const { job, store, input } = context;
  const materials = await loadMaterials(context);
  const planned = materials.layout.students.find(({ student }) => student.name === input.student);
  const wanted = planned && pretrainedOf(planned).find(({ key }) => key === input.key);
  if (planned === undefined || wanted === undefined) {
    throw new DistilleryError('internal', `no method of ${input.student} needs the network ${input.key}`);
  }
  const teachers = input.teachers.map((teacher) => digestOfTeacher(context, teacher));
  const address = `auxiliaries/${trainingKey({ auxiliary: wanted.key, teachers }, materials, job.spec)}`;
  const known = await store.manifest(address, resultSchema);
  if (known !== undefined) {
    if (await claim(store, address, [known.weights.digest])) return { ...known, reused: true };
    await store.removeManifest(address);
  }
  const { values, loss } = await trained(context, materials, planned, wanted);
  const weights = await store.put(encodeWeights(wanted.whole.parameters, values));
  const result = { address, weights, reconstruction: loss, reused: false };
  await store.commit(address, result, resultSchema);
  return result;
}

/** Trains the network with the checkpoints, views and batches of a student's training. */
async function trained(
  context: StageContext<Input>,
  materials: Materials,
  planned: PlannedStudent,
  wanted: Pretrained,
): Promise<{ values: Values; loss: number }> {
  const { job, input, emit, pause } = context;
  const { engine, dataset, indices } = materials;
  const { training } = wanted;
  const { resume, save } = await openCheckpoints(checkpointsOf(context, engine));
  const stepsPerEpoch = Math.ceil(indices.train.length / training.batchSize);
  const progress = trainingProgress({ stepsPerEpoch, epochs: training.epochs });
  const teacher = await openTeacherTaps(context, materials, planned, input.teachers, [
    wanted.pretraining.tap,
  ]);
  const member = reconstruction(wanted, training.seed);
  try {
    const { members } = await train({
      members: [member],
      dataset,
      indices: { train: indices.train, validation: new Int32Array() },
      training,
      until: training.epochs,
      seed: training.seed,
      views: viewsOf(planned.student.training),
      teacher,
      resume,
      checkpoints: job.spec.checkpoints,
      hooks: {
        metrics: (epoch, step, values) =>
          emit.metrics({ epoch, step, time: new Date().toISOString(), values }),
        progress: (phase, cursor) => emit.progress(progress(phase, cursor)),
        warning: emit.warning,
        checkpoint: save,
        pause,
      },
    });
    return { values: readValues(member.network.variables), loss: members[0].losses.reconstruction };
  } finally {
    disposeNetwork(member.network);
    teacher.dispose();
  }
}

/**
 * The weights of a student's auxiliary networks that were trained before it.
 *
 * @throws DistilleryError `artifact_corrupt` when one is missing or has another shape
 */
export async function loadPretrained(
  { store, result }: StageContext,
  planned: PlannedStudent,
  auxiliaries: readonly { key: string; stage: string }[],
): Promise<PretrainedValues> {
  const all: PretrainedValues = {};
  for (const { term, part, plan, key } of pretrainedOf(planned)) {
    const { stage } = auxiliaries.find((one) => one.key === key) ?? {};
    if (stage === undefined) throw new DistilleryError('internal', `no stage trains the ${part} of ${term}`);
    const { weights } = result(auxiliary, stage);
    (all[term] ??= {})[part] = await loadWeights(store, weights.digest, plan.parameters);
  }
  return all;
}
