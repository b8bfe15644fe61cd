import { augmentationIdentity, type DatasetOutline, trainingCounts } from '@distillery/datasets';
import { DistilleryError, type JobSpec, validationOf } from '@distillery/spec';
import { claim } from '@distillery/store';
import { z } from 'zod';
import { bindMethod, labelsAlone } from '../method.ts';
import { loadInitial } from '../initial/load.ts';
import { trainingWork } from '../planning/estimate.ts';
import { teacherShares } from '../planning/shares.ts';
import { requirementsOf } from '../planning/stages.ts';
import { aboutData, aboutDataSchema, dataBlobs } from './about-data.ts';
import { loadMaterials, type Materials, trainingKey } from './materials.ts';
import { preparation, runNetworks } from './network-run.ts';
import type { StageContext, StageKind } from './stage.ts';
import { blobsOf, trainedNetworkSchema } from './trained-network.ts';
import { teacherStage } from './training-stage.ts';

const input = z.strictObject({ teacher: z.string().describe('The name of the teacher in the job.') });
type Input = z.output<typeof input>;

const resultSchema = z.object({
  address: z.string().describe('The name of its manifest in the store, by which later jobs find it.'),
  result: trainedNetworkSchema,
  dataset: aboutDataSchema,
});
export type TeacherResult = z.output<typeof resultSchema>;

const samplesOf = (data: DatasetOutline | undefined, spec: JobSpec) =>
  data && trainingCounts(data, validationOf(spec)).train;

/**
 * Trains a teacher with cross-entropy, or reuses one that an earlier job trained with the same data, options, seed and
 * engine. Its address is the digest of all that determines it.
 */
export const teacher: StageKind<typeof input, typeof resultSchema> = {
  type: 'teacher',
  summary: 'Trains a teacher on the labels, or reuses one that was trained in the same way.',
  options: input,
  result: resultSchema,
  id: ({ teacher: name }) => teacherStage(name),
  needs: () => [],
  about: ({ teacher: name }) => ({ networks: [name] }),
  plan: ({ spec, layout, train, facts }) =>
    layout.teachers.flatMap(({ teacher, plan }) => {
      const { name, training } = teacher;
      return training === undefined
        ? []
        : [
            {
              input: { teacher: name },
              work: trainingWork(plan, training.epochs, samplesOf(facts[name].data, spec) ?? train),
              ...requirementsOf(training),
              shares: teacherShares('teacher', spec, teacher),
            },
          ];
    }),
  networks: ({ teacher: name }, result) => [
    {
      name,
      role: 'teacher',
      seed: null,
      ...(result && { trained: { result: result.result, data: result.dataset } }),
    },
  ],
  artifacts: ({ address, result, dataset }) => ({
    blobs: [...blobsOf(result), ...dataBlobs(dataset)],
    shared: [address],
  }),
  shared: { folder: 'teachers', blobs: (manifest) => blobsOf(trainedNetworkSchema.parse(manifest)) },
  run,
};

async function run(context: StageContext<Input>): Promise<TeacherResult> {
  const { job, store, stage, input } = context;
  const materials = await loadMaterials(context, input.teacher);
  const { architecture, training, initial, ...network } = teacherOf(materials, input.teacher);
  // Its every epoch is a new view, so the number of its students' views makes no difference.
  const augmentation = augmentationIdentity(training.augmentation);
  const described = { architecture, training: { ...training, augmentation }, initial };
  const address = `teachers/${trainingKey(described, materials, job.spec)}`;
  const known = await store.manifest(address, trainedNetworkSchema);
  if (known !== undefined && (await claim(store, address, blobsOf(known)))) {
    return {
      address,
      result: { ...known, stage: stage.id, reused: true },
      dataset: await aboutData(materials, store),
    };
  }
  // Blobs are missing or damaged: the teacher is trained again, and the new manifest replaces this one.
  if (known !== undefined) await store.removeManifest(address);

  const { seed } = training;
  const inherited =
    initial && 'weights' in initial.source
      ? await loadInitial(
          store,
          initial.source.weights,
          initial,
          network.plan.parameters,
          preparation(materials.dataset),
          context.emit.warning,
        )
      : {};
  const [result] = await runNetworks(context, materials, {
    members: [
      {
        name: '',
        architecture,
        seed,
        ...network,
        inherited,
        method: bindMethod(labelsAlone, network.plan, network.plan),
      },
    ],
    training,
    seed,
    views: Infinity,
  });
  await store.commit(address, result, trainedNetworkSchema);
  return { address, result, dataset: await aboutData(materials, store) };
}

function teacherOf({ layout }: Materials, name: string) {
  const found = layout.teachers.find(({ teacher }) => teacher.name === name);
  if (found?.teacher.training === undefined || found.architecture === undefined) {
    throw new DistilleryError('internal', `the job trains no teacher ${name}`);
  }
  const { architecture, forward, plan, initial } = found;
  return { architecture, training: found.teacher.training, forward, plan, initial };
}
