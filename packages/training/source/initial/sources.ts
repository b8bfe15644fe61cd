import { DistilleryError, type JobSpec } from '@distillery/spec';
import type { Store } from '@distillery/store';
import { headerOfNamed, type WeightsHeader } from '@distillery/teachers';
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
    const refuse = (message: string) => refusal(`${path}/initial/weights`, message, digest);
    sources.set(digest, await headerOfNamed(store, digest, refuse));
  }
  return sources;
}

function refusal(path: string, message: string, value: string): DistilleryError {
  return new DistilleryError('invalid_spec', `${path}: ${message}`, { fields: [{ path, message, value }] });
}
