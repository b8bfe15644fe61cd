import type { Store } from '@distillery/store';
import type { NetworkPlan } from '@distillery/engine';
import type { TeacherParameters } from './components/teacher-parameters.ts';
import type { WeightedTerm } from './method.ts';
import type { Values } from './network.ts';
import { loadWeights } from './weights.ts';

/**
 * Loads the teacher parameters that a method reads.
 *
 * @param digest the digest of the teacher's stored weights
 * @throws DistilleryError `artifact_corrupt` when one is missing or has another shape
 */
export async function loadTeacherParameters(
  method: readonly WeightedTerm[],
  store: Store,
  digest: string,
  teacher: NetworkPlan,
): Promise<TeacherParameters> {
  const names = new Set(method.flatMap(({ bound }) => bound.teacherParameters ?? []));
  const wanted = teacher.parameters.filter(({ name }) => names.has(name));
  if (wanted.length === 0) return {};
  const values = await loadWeights(store, digest, wanted);
  return Object.fromEntries(wanted.map(({ name, shape }) => [name, { shape, values: values[name] }]));
}

/**
 * Loads the teacher's weights that a student takes over, under the student's names.
 *
 * @param inherited the teacher's parameter for each of the student's
 * @throws DistilleryError `artifact_corrupt` when one is missing or has another shape
 */
export async function loadInherited(
  inherited: Record<string, string>,
  store: Store,
  digest: string,
  teacher: NetworkPlan,
): Promise<Values> {
  const names = Object.entries(inherited);
  if (names.length === 0) return {};
  const wanted = teacher.parameters.filter(({ name }) => names.some(([, theirs]) => theirs === name));
  const values = await loadWeights(store, digest, wanted);
  return Object.fromEntries(names.map(([ours, theirs]) => [ours, values[theirs]]));
}
