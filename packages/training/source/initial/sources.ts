import { DistilleryError, type JobSpec } from '@distillery/spec';
import type { Store } from '@distillery/store';
import { readHeader, type WeightsHeader } from '@distillery/teachers';
import { jobTeachers } from '../planning/students.ts';

/** The headers of the stored weights that networks of a job start from, by digest. */
export type InitialSources = ReadonlyMap<string, WeightsHeader>;

/**
 * Reads the headers of the stored weights that networks of a job start from.
 *
 * @throws DistilleryError `invalid_spec` for weights that cannot be used, with the path of the field
 */
export async function describeInitials(spec: JobSpec, store: Store | undefined): Promise<InitialSources> {
  const sources = new Map<string, WeightsHeader>();
  const given = [
    ...jobTeachers(spec).map((teacher) => ({ path: teacher.path, initial: teacher.initial })),
    ...spec.students.map(({ initial }, index) => ({ path: `/students/${index}`, initial })),
  ];
  for (const { path, initial } of given) {
    if (initial?.network !== undefined) {
      const message =
        'is the id of a network of a service, and can be used in its jobs alone: give `weights`';
      throw refusal(`${path}/initial/network`, message, initial.network);
    }
    const digest = initial?.weights;
    if (digest === undefined || sources.has(digest)) continue;
    sources.set(digest, await header(store, digest, `${path}/initial/weights`));
  }
  return sources;
}

async function header(store: Store | undefined, digest: string, path: string): Promise<WeightsHeader> {
  if (store === undefined) throw refusal(path, 'cannot be looked up without a store', digest);
  try {
    // A collection of unused artifacts leaves them until the job that names them exists.
    await store.renew(digest);
    return await readHeader(store, digest);
  } catch (error) {
    if (!(error instanceof DistilleryError)) throw error;
    const { code, message } = error;
    if (code === 'checkpoint_not_found') {
      throw refusal(path, 'is not in the store, expected the digest of a stored weights file', digest);
    }
    if (code === 'artifact_corrupt') throw refusal(path, `cannot be read: ${message}`, digest);
    throw error;
  }
}

function refusal(path: string, message: string, value: string): DistilleryError {
  return new DistilleryError('invalid_spec', `${path}: ${message}`, { fields: [{ path, message, value }] });
}
