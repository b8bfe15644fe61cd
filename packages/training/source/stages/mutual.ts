import { z } from 'zod';
import { loadInitial } from '../initial/load.ts';
import { trainingWork } from '../planning/estimate.ts';
import { requirementsOf } from '../planning/stages.ts';
import { isPeer, viewsOf } from '../planning/students.ts';
import { aboutData, aboutDataSchema, dataBlobs } from './about-data.ts';
import { loadMaterials } from './materials.ts';
import { preparation, runNetworks } from './network-run.ts';
import type { StageContext, StageKind } from './stage.ts';
import { blobsOf, trainedNetworkSchema } from './trained-network.ts';

const input = z.strictObject({
  peers: z.array(z.string()).describe('The students that train together.'),
  seed: z.number().int().describe('The seed of the run.'),
});
type Input = z.output<typeof input>;

const resultSchema = z.object({
  results: z.record(z.string(), trainedNetworkSchema).describe('How each student turned out, by name.'),
  dataset: aboutDataSchema,
});
export type MutualResult = z.output<typeof resultSchema>;

/** Trains a job's students together, with one seed: each learns from the outputs of the others at the same step. */
export const mutual: StageKind<typeof input, typeof resultSchema> = {
  type: 'mutual',
  summary: 'Trains students together, each of which learns from the others.',
  options: input,
  result: resultSchema,
  id: ({ seed }) => `mutual.${seed}`,
  needs: () => [],
  about: ({ peers, seed }) => ({ networks: peers, seed }),
  plan({ spec, layout, train }) {
    const peers = layout.students.filter(({ student }) => isPeer(spec, student));
    if (peers.length === 0) return [];
    const works = peers.map(({ plan, student }) => trainingWork(plan, student.training.epochs, train));
    const work = works.reduce((sum, each) => sum + each, 0);
    const names = peers.map(({ student }) => student.name);
    return spec.seeds.map((seed) => ({
      input: { peers: names, seed },
      work,
      ...requirementsOf(peers[0].student.training),
    }));
  },
  networks: ({ peers, seed }, result) =>
    peers.map((name) => ({
      name,
      role: 'student',
      seed,
      ...(result && { trained: { result: result.results[name], data: result.dataset } }),
    })),
  artifacts: ({ results, dataset }) => ({
    blobs: [...Object.values(results).flatMap(blobsOf), ...dataBlobs(dataset)],
    shared: [],
  }),
  run,
};

async function run(context: StageContext<Input>): Promise<MutualResult> {
  const { job, store, input, emit } = context;
  const { seed } = input;
  const materials = await loadMaterials(context);
  const peers = materials.layout.students.filter(({ student }) => isPeer(job.spec, student));
  const { training } = peers[0].student;
  const inputs = preparation(materials.dataset);
  const inherited = await Promise.all(
    peers.map(async ({ initial, plan }) =>
      initial && 'weights' in initial.source
        ? await loadInitial(store, initial.source.weights, initial, plan.parameters, inputs, emit.warning)
        : {},
    ),
  );
  const results = await runNetworks(context, materials, {
    members: peers.map(({ student: { name, architecture }, forward, plan, method }, index) => ({
      name,
      architecture,
      forward,
      plan,
      inherited: inherited[index],
      method,
      seed: memberSeed(seed, index),
    })),
    training,
    seed,
    views: viewsOf(training),
  });
  return {
    results: Object.fromEntries(peers.map(({ student }, index) => [student.name, results[index]])),
    dataset: await aboutData(materials, store),
  };
}

/**
 * The seed of one peer: peers with equal first weights would have nothing to teach each other. The first peer has the
 * seed of its control; the others have seeds far from the small numbers that people choose.
 */
function memberSeed(seed: number, index: number): number {
  // 2³² divided by the golden ratio: its multiples lie far apart.
  return (seed + index * 0x9e37_79b9) % 2 ** 32;
}
