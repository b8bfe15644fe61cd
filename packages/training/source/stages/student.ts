import { DistilleryError } from '@distillery/spec';
import { z } from 'zod';
import { teachingWork, trainingWork } from '../planning/estimate.ts';
import { controlShares } from '../planning/shares.ts';
import { requirementsOf } from '../planning/stages.ts';
import { loadInitial } from '../initial/load.ts';
import { networkOf, type PlannedStudent } from '../planning/layout.ts';
import { isPeer, viewsOf } from '../planning/students.ts';
import type { Values } from '../network.ts';
import { pretrainedOf } from '../pretraining.ts';
import { loadInherited, loadTeacherParameters } from '../teacher-parameters.ts';
import { aboutData, aboutDataSchema, dataBlobs } from './about-data.ts';
import { auxiliary, auxiliaryInput, loadPretrained } from './auxiliary.ts';
import { loadMaterials, type Materials } from './materials.ts';
import { preparation, runNetworks } from './network-run.ts';
import { outputsStage, storesOutputs } from './outputs.ts';
import {
  earlierResult,
  earlierState,
  keepResult,
  keepState,
  lastEpochOf,
  sharedRunAddress,
  sharedRunBlobs,
  sharedRunsFolder,
  sharesRuns,
} from './shared-run.ts';
import type { StageContext, StageKind } from './stage.ts';
import { digestOfTeacher, openTeacherTaps, stageOf, taughtBySchema, teachersOf } from './teacher-taps.ts';
import { blobsOf, networkReferenceSchema, trainedNetworkSchema } from './trained-network.ts';
import { studentStage, teacherStage, trainingOf } from './training-stage.ts';

const input = z.strictObject({
  student: z.string().describe('The name of the student.'),
  seed: z.number().int().describe('The seed of the run.'),
  teachers: z.array(taughtBySchema).describe('The teachers; empty for a control.'),
  auxiliaries: z
    .array(z.strictObject({ key: z.string(), stage: z.string() }))
    .describe('The networks that the method needs, with the stages that trained them.'),
  initial: networkReferenceSchema
    .optional()
    .describe('The stage that trained the teacher whose weights it starts from; absent where none is.'),
  after: z
    .array(z.string())
    .describe('The stages that must have succeeded although their results are not read.'),
});
type Input = z.output<typeof input>;

const resultSchema = z.object({
  result: trainedNetworkSchema,
  dataset: aboutDataSchema,
  address: z
    .string()
    .optional()
    .describe(
      'The folder of the store with what later jobs reuse of this run; absent where it shares nothing.',
    ),
});
export type StudentResult = z.output<typeof resultSchema>;

/** Trains one student with one seed on its teachers' outputs. */
export const student: StageKind<typeof input, typeof resultSchema> = {
  type: 'student',
  summary: "Trains a student with one seed on its teachers' outputs.",
  options: input,
  result: resultSchema,
  id: ({ student: name, seed }) => studentStage(name, seed),
  needs: ({ teachers, auxiliaries, initial, after }) => [
    ...teachers.map(stageOf),
    ...(initial === undefined ? [] : [initial.stage]),
    ...after,
    ...auxiliaries.map(({ stage }) => stage),
  ],
  about: ({ student: name, seed }) => ({ networks: [name], seed }),
  plan(job) {
    const { spec, layout } = job;
    // A control waits for the first teacher as well, so that the stage that most others need runs first.
    const first = layout.teachers.slice(0, 1).map((planned) => {
      const { name } = planned.teacher;
      return storesOutputs(layout, planned) ? outputsStage(job, name, 0) : teacherStage(name);
    });
    return layout.students
      .filter((planned) => !isPeer(spec, planned.student))
      .flatMap((planned) => {
        const pretrained = pretrainedOf(planned);
        return spec.seeds.map((seed) => {
          const { name, training } = planned.student;
          const teachers = teachersOf(job, planned, seed);
          const auxiliaries = pretrained.map(({ key }) => ({
            key,
            stage: auxiliary.id(auxiliaryInput(job, planned, key, seed)),
          }));
          const after = teachers.length === 0 ? first : [];
          const source = planned.initial?.source;
          const initial = source && 'teacher' in source ? trainingOf(job, source.teacher, seed) : undefined;
          const epochs = lastEpochOf(spec, training);
          const train = teachers.length === 0 ? job.train : job.students;
          const shares = teachers.length === 0 ? controlShares(spec, planned.student, seed) : undefined;
          return {
            input: { student: name, seed, teachers, auxiliaries, ...(initial && { initial }), after },
            work: trainingWork(planned.plan, epochs, train) + teachingWork(layout, planned, epochs, train),
            ...requirementsOf(training),
            ...(shares !== undefined && { shares }),
          };
        });
      });
  },
  networks: ({ student: name, seed }, result) => [
    {
      name,
      role: 'student',
      seed,
      ...(result && { trained: { result: result.result, data: result.dataset } }),
    },
  ],
  artifacts: ({ result, dataset, address }) => ({
    blobs: [...blobsOf(result), ...dataBlobs(dataset)],
    shared: address === undefined ? [] : [address],
  }),
  shared: { folder: sharedRunsFolder, blobs: sharedRunBlobs },
  run,
};

async function run(context: StageContext<Input>): Promise<StudentResult> {
  const { store, input, job } = context;
  const { seed } = input;
  const materials = await loadMaterials(context);
  const { layout } = materials;
  const planned = layout.students.find(({ student: { name } }) => name === input.student);
  if (planned === undefined) throw new DistilleryError('internal', `the job has no student ${input.student}`);
  const { method, forward, plan } = planned;
  const { architecture, training } = planned.student;
  const until = lastEpochOf(job.spec, training);
  const address = sharesRuns(job.spec)
    ? sharedRunAddress(context, materials, planned, initialDigestOf(context, planned))
    : undefined;
  const isControl = input.teachers.length === 0;
  const isShared = isControl && job.spec.baseline === 'shared';
  const known = isShared && address !== undefined && (await earlierResult(store, address, until));
  if (known) {
    const result = { ...known, stage: context.stage.id, reused: true };
    return { result, dataset: await aboutData(materials, store), address };
  }
  const goesOn = address !== undefined && job.spec.until !== undefined;
  const [teacher] = input.teachers;
  // Only a single teacher's parameters can be read.
  const ofTeacher =
    teacher === undefined
      ? undefined
      : ([store, digestOfTeacher(context, teacher), networkOf(layout, teacher.network).plan] as const);
  const inherited = {
    ...(await initialValuesOf(context, materials, planned)),
    ...(ofTeacher && (await loadInherited(planned.inherited, ...ofTeacher))),
  };
  const parameters = ofTeacher && (await loadTeacherParameters(method, ...ofTeacher));
  const taps = await openTeacherTaps(context, materials, planned, input.teachers);
  try {
    // A control has labels alone to learn from.
    const { indices } = materials;
    const learned = isControl
      ? materials
      : { ...materials, indices: { ...indices, train: indices.students } };
    const [result] = await runNetworks(context, learned, {
      members: [
        {
          name: '',
          architecture,
          forward,
          plan,
          method,
          seed,
          inherited,
          ...(parameters && { teacherParameters: parameters }),
          pretrained: await loadPretrained(context, planned, input.auxiliaries),
        },
      ],
      training,
      until,
      seed,
      views: viewsOf(training),
      teacher: taps,
      ...(goesOn && { from: await earlierState(store, address, until) }),
      ...(goesOn && until < training.epochs && { ended: (state) => keepState(store, address, until, state) }),
    });
    if (isShared && address !== undefined) await keepResult(store, address, until, result);
    return {
      result,
      dataset: await aboutData(materials, store),
      ...(address !== undefined && (isShared || goesOn) && { address }),
    };
  } finally {
    taps.dispose();
  }
}

/** The digest of the weights that the student starts from; undefined for random ones. */
function initialDigestOf(
  { input, network }: StageContext<Input>,
  { initial }: PlannedStudent,
): string | undefined {
  if (initial === undefined) return undefined;
  const { source } = initial;
  return 'weights' in source
    ? source.weights
    : input.initial && network(input.initial).result.best.weights.digest;
}

/** The weights that the student starts from in place of random ones. */
async function initialValuesOf(
  context: StageContext<Input>,
  { dataset }: Materials,
  planned: PlannedStudent,
): Promise<Values> {
  const { store, emit } = context;
  const { initial, plan } = planned;
  if (initial === undefined) return {};
  const digest = initialDigestOf(context, planned);
  if (digest === undefined) throw new DistilleryError('internal', 'no stage trained the initial weights');
  return await loadInitial(store, digest, initial, plan.parameters, preparation(dataset), emit.warning);
}
