import { DistilleryError } from '@distillery/spec';
import { z } from 'zod';
import { teachingWork, trainingWork } from '../planning/estimate.ts';
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

const resultSchema = z.object({ result: trainedNetworkSchema, dataset: aboutDataSchema });
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
    const { spec, layout, train } = job;
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
          return {
            input: { student: name, seed, teachers, auxiliaries, ...(initial && { initial }), after },
            work:
              trainingWork(planned.plan, training.epochs, train) +
              teachingWork(layout, planned, training.epochs, train),
            ...requirementsOf(training),
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
  artifacts: ({ result, dataset }) => ({
    blobs: [...blobsOf(result), ...dataBlobs(dataset)],
    shared: [],
  }),
  run,
};

async function run(context: StageContext<Input>): Promise<StudentResult> {
  const { store, input } = context;
  const { seed } = input;
  const materials = await loadMaterials(context);
  const { layout } = materials;
  const planned = layout.students.find(({ student: { name } }) => name === input.student);
  if (planned === undefined) throw new DistilleryError('internal', `the job has no student ${input.student}`);
  const { method, forward, plan } = planned;
  const { architecture, training } = planned.student;
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
    const [result] = await runNetworks(context, materials, {
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
      seed,
      views: viewsOf(training),
      teacher: taps,
    });
    return { result, dataset: await aboutData(materials, store) };
  } finally {
    taps.dispose();
  }
}

/** The weights that the student starts from in place of random ones. */
async function initialValuesOf(
  { store, input, network, emit }: StageContext<Input>,
  { dataset }: Materials,
  { initial, plan }: PlannedStudent,
): Promise<Values> {
  if (initial === undefined) return {};
  const { source } = initial;
  const digest =
    'weights' in source ? source.weights : input.initial && network(input.initial).result.best.weights.digest;
  if (digest === undefined) throw new DistilleryError('internal', 'no stage trained the initial weights');
  return await loadInitial(store, digest, initial, plan.parameters, preparation(dataset), emit.warning);
}
