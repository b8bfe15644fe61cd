import { isPeer, viewsOf } from '../planning/layout.ts';
import { type AboutData, aboutData, loadMaterials } from './materials.ts';
import { runNetworks, type TrainedNetwork } from './network-run.ts';
import type { StageContext } from './stage.ts';

export interface MutualResult {
  /** By student. */
  results: Record<string, TrainedNetwork['result']>;
  dataset: AboutData;
}

/** Trains a job's students together, with one seed: each learns from what the others say at the same step. */
export async function runMutual(context: StageContext): Promise<MutualResult> {
  const { job, stage, store } = context;
  const materials = await loadMaterials(context);
  const peers = materials.layout.students.filter(({ student }) => isPeer(job.spec, student));
  const { training } = peers[0].student;
  if (stage.seed === undefined) throw new Error(`${stage.id} has no seed`);
  const seed = stage.seed;
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
 * Peers that began alike would have nothing to tell each other. The first begins as its control does; the next ones'
 * seeds lie far from the small numbers that people choose.
 */
function memberSeed(seed: number, index: number): number {
  // 2³² over the golden ratio: multiples of it keep apart.
  return (seed + index * 0x9e37_79b9) % 2 ** 32;
}
