import type { ParameterSpec } from '@distillery/engine';
import type { TeacherProvider } from '@distillery/teachers';
import { predictorOf } from '../evaluate.ts';
import { teachers } from '../kinds.ts';
import { createNetwork, disposeNetwork } from '../network.ts';
import type { PlannedStudent, PlannedTeacher } from '../planning/layout.ts';
import { loadWeights } from '../weights.ts';
import type { StageContext } from './stage.ts';

/**
 * Opens a network of the job to compute its outputs: a teacher by its kind, or a student that teaches others as a trained
 * teacher.
 *
 * @param trained the digest of the weights that the job trained; absent for a teacher that the job does not train
 * @throws DistilleryError `artifact_corrupt` when weights are missing or damaged: the store verifies what it reads
 */
export async function openTeacher(
  { store }: Pick<StageContext, 'store'>,
  network: PlannedTeacher | PlannedStudent,
  trained: string | undefined,
  shape: number[],
): Promise<TeacherProvider> {
  const options = 'teacher' in network ? network.teacher.options : { type: 'trained' };
  return await teachers.get(options.type).open(options, {
    store,
    ...(trained !== undefined && { trained }),
    network: (weights) => loadedNetwork(weights, network.plan.parameters),
  });

  async function loadedNetwork(
    weights: string,
    parameters: readonly ParameterSpec[],
  ): Promise<TeacherProvider> {
    const loaded = createNetwork(network.forward, shape, await loadWeights(store, weights, parameters));
    return { digest: weights, ...predictorOf(loaded), dispose: () => disposeNetwork(loaded) };
  }
}
