import { DistilleryError, type Initial, type JobSpec } from '@distillery/spec';
import type { Store } from '@distillery/store';
import { keptNetwork } from './kept-networks.ts';

/**
 * Puts the digest of its weights in place of the id of each network that a spec names, so that what a job computes depends on content
 * alone, and removing the network takes nothing from it.
 *
 * @throws DistilleryError `invalid_spec` for an unknown id, with the path of the field
 */
export async function resolveNetworks(
  spec: JobSpec,
  store: Store,
  isSeen?: (owner: string | null) => boolean,
): Promise<JobSpec> {
  const weightsOf = async (id: unknown, path: string): Promise<string> => {
    try {
      const { weights } = await keptNetwork(store, String(id), isSeen);
      return weights.digest;
    } catch (error) {
      if (!(error instanceof DistilleryError) || error.code !== 'network_not_found') throw error;
      const message = `${error.message}: GET /v1/networks lists them`;
      throw new DistilleryError('invalid_spec', `${path}: ${message}`, {
        fields: [{ path, message, value: id }],
      });
    }
  };
  /** An object with the digest in place of the id. */
  const resolved = async <Given extends object>(given: Given, path: string): Promise<Given> => {
    const { network, ...rest } = given as { network?: unknown; weights?: unknown };
    // A teacher with both is refused where it is described.
    if (network === undefined || rest.weights !== undefined) return given;
    return { ...rest, weights: await weightsOf(network, `${path}/network`) } as unknown as Given;
  };
  const ofTeacher = async <Teacher extends object>(teacher: Teacher, path: string): Promise<Teacher> => {
    const { type, initial } = teacher as { type?: string; initial?: Initial };
    const own = type === 'stored' ? await resolved(teacher, path) : teacher;
    return initial === undefined ? own : { ...own, initial: await resolved(initial, `${path}/initial`) };
  };
  return {
    ...spec,
    ...(spec.teacher && { teacher: await ofTeacher(spec.teacher, '/teacher') }),
    teachers: await Promise.all(
      spec.teachers.map((teacher, index) => ofTeacher(teacher, `/teachers/${index}`)),
    ),
    students: await Promise.all(
      spec.students.map(async ({ initial, ...student }, index) => ({
        ...student,
        ...(initial && { initial: await resolved(initial, `/students/${index}/initial`) }),
      })),
    ),
  };
}
