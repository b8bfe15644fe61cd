import type { Tensors } from '@distillery/engine';
import { DistilleryError } from '@distillery/spec';
import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { combineLogits, type Ensemble, tapOf } from '../ensemble.ts';
import { trainingWork } from '../planning/estimate.ts';
import { requirementsOf } from '../planning/stages.ts';
import { ensembleOf, networkOf } from '../planning/layout.ts';
import { isPeer, viewsOf } from '../planning/students.ts';
import { pretrainedOf } from '../pretraining.ts';
import { loadInherited, loadTeacherParameters } from '../teacher-parameters.ts';
import { aboutData, aboutDataSchema } from './about-data.ts';
import { auxiliary, auxiliaryInput, loadPretrained } from './auxiliary.ts';
import { loadMaterials } from './materials.ts';
import { runNetworks } from './network-run.ts';
import { outputs, outputsStage } from './outputs.ts';
import type { StageContext, StageKind } from './stage.ts';
import { taughtBySchema, teacherRows, teachersOf } from './teacher-rows.ts';
import { blobsOf, trainedNetworkSchema } from './trained-network.ts';

const input = z.strictObject({
  student: z.string().describe('The name of the student.'),
  seed: z.number().int().describe('The seed of the run.'),
  teachers: z.array(taughtBySchema).describe('The teachers; empty for a control.'),
  auxiliaries: z
    .array(z.strictObject({ key: z.string(), stage: z.string() }))
    .describe('The networks that the method needs, with the stages that trained them.'),
  after: z
    .array(z.string())
    .describe('The stages that must have succeeded although their results are not read.'),
});
type Input = z.output<typeof input>;

const resultSchema = z.object({ result: trainedNetworkSchema, dataset: aboutDataSchema });
export type StudentResult = z.output<typeof resultSchema>;

/** Trains one student with one seed on its teachers' stored outputs. */
export const student: StageKind<typeof input, typeof resultSchema> = {
  type: 'student',
  summary: "Trains a student with one seed on its teachers' stored outputs.",
  options: input,
  result: resultSchema,
  id: ({ student: name, seed }) => `student.${name}.${seed}`,
  needs: ({ teachers, auxiliaries, after }) => [
    ...teachers.map(({ outputs: stage }) => stage),
    ...after,
    ...auxiliaries.map(({ stage }) => stage),
  ],
  about: ({ student: name, seed }) => ({ network: name, seed }),
  plan(job) {
    const { spec, layout, train } = job;
    // A control waits for the first teacher as well, so that the stage that most others need runs first.
    const first = layout.teachers.slice(0, 1).map(({ teacher }) => outputsStage(job, teacher.name, 0));
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
          return {
            input: { student: name, seed, teachers, auxiliaries, after },
            work: trainingWork(planned.plan, training.epochs, train),
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
    blobs: [...blobsOf(result), dataset.testLabels.digest],
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
  const ensemble = ensembleOf(layout, planned);
  const [teacher] = input.teachers;
  // Only a single teacher's parameters can be read.
  const ofTeacher =
    teacher === undefined
      ? undefined
      : ([
          store,
          context.result(outputs, teacher.outputs).teacher,
          networkOf(layout, teacher.network).plan,
        ] as const);
  const inherited = ofTeacher && (await loadInherited(planned.inherited, ...ofTeacher));
  const parameters = ofTeacher && (await loadTeacherParameters(method, ...ofTeacher));
  const [result] = await runNetworks(context, materials, {
    members: [
      {
        name: '',
        architecture,
        forward,
        plan,
        method,
        seed,
        ...(inherited && { inherited }),
        ...(parameters && { teacherParameters: parameters }),
        pretrained: await loadPretrained(context, planned, input.auxiliaries),
      },
    ],
    training,
    seed,
    views: viewsOf(training),
    teacher: await teacherRows(context, materials, planned, input.teachers),
    ...(ensemble && { combine: (taps, labels) => combined(taps, labels, ensemble) }),
  });
  return { result, dataset: await aboutData(materials, store) };
}

/** The taps of several teachers with their combined logits. */
function combined(taps: Tensors, labels: tf.Tensor1D, ensemble: Ensemble): Tensors {
  const logits = ensemble.names.map((name) => taps[tapOf(name, 'logits')]);
  // A method that reads only maps of single teachers has no logits to combine.
  if (logits.includes(undefined as never)) return taps;
  return { ...taps, logits: combineLogits(logits, labels, ensemble) };
}
