import { z } from 'zod';
import { trainingWork } from '../planning/estimate.ts';
import { isPeer, viewsOf } from '../planning/layout.ts';
import { aboutData, aboutDataSchema } from './about-data.ts';
import { loadMaterials } from './materials.ts';
import { runNetworks } from './network-run.ts';
import type { StageContext, StageKind } from './stage.ts';
import { blobsOf, trainedNetworkSchema } from './trained-network.ts';

const input = z.strictObject({
  peers: z.array(z.string()).describe('the students that train together'),
  seed: z.number().int(),
});
type Input = z.output<typeof input>;

const resultSchema = z.object({
  results: z.record(z.string(), trainedNetworkSchema).describe('by student'),
  dataset: aboutDataSchema,
});
export type MutualResult = z.output<typeof resultSchema>;

/** Trains a job's students together, with one seed: each learns from the outputs of the others at the same step. */
export const mutual: StageKind<typeof input, typeof resultSchema> = {
  type: 'mutual',
  summary: 'Trains students together that teach each other',
  options: input,
  result: resultSchema,
  id: ({ seed }) => `mutual.${seed}`,
  needs: () => [],
  about: ({ seed }) => ({ seed }),
  plan({ spec, layout, train }) {
    const peers = layout.students.filter(({ student }) => isPeer(spec, student));
    if (peers.length === 0) return [];
    const works = peers.map(({ plan, student }) => trainingWork(plan, student.training.epochs, train));
    const work = works.reduce((sum, each) => sum + each, 0);
    const names = peers.map(({ student }) => student.name);
    return spec.seeds.map((seed) => ({ input: { peers: names, seed }, work }));
  },
  networks: ({ peers, seed }, result) =>
    peers.map((name) => ({
      name,
      role: 'student',
      seed,
      ...(result && { trained: { result: result.results[name], data: result.dataset } }),
    })),
  artifacts: ({ results, dataset }) => ({
    blobs: [...Object.values(results).flatMap(blobsOf), dataset.testLabels.digest],
    shared: [],
  }),
  run,
};

async function run(context: StageContext<Input>): Promise<MutualResult> {
  const { job, store, input } = context;
  const { seed } = input;
  const materials = await loadMaterials(context);
  const peers = materials.layout.students.filter(({ student }) => isPeer(job.spec, student));
  const { training } = peers[0].student;
  const results = await runNetworks(context, materials, {
    members: peers.map(({ student: { name, architecture }, forward, plan, method }, index) => ({
      name,
      architecture,
      forward,
      plan,
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
 * Peers that began alike would have nothing to teach each other. The first begins as its control does; the seeds of the
 * next ones lie far from the small numbers that people choose.
 */
function memberSeed(seed: number, index: number): number {
  // 2³² over the golden ratio: multiples of it keep apart.
  return (seed + index * 0x9e37_79b9) % 2 ** 32;
}
