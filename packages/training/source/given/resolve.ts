import { storedFile, storedPath } from '@distillery/datasets';
import { DistilleryError, type JobSpec } from '@distillery/spec';

/** A complete upload. */
export interface TeacherUpload {
  digest: string;
  name: string;
}

/**
 * Puts the digest of its file in place of the id of each upload that a teacher names, so that a job depends on content alone.
 *
 * @param uploadOf finds an upload of the caller
 * @throws DistilleryError `invalid_spec` for the path of a stored file, which would name the files of others; those of `uploadOf`, with
 *   the field
 */
export async function resolveTeacherFiles(
  spec: JobSpec,
  uploadOf: (id: string) => Promise<TeacherUpload>,
): Promise<JobSpec> {
  const resolved = async <Teacher extends object>(teacher: Teacher, at: string): Promise<Teacher> => {
    const { upload, ...rest } = teacher as { upload?: unknown; path?: unknown };
    if (typeof rest.path === 'string' && storedFile(rest.path) !== undefined) {
      throw refusal(`${at}/path`, 'is a file of the store: name an upload by its id, as `upload`', rest.path);
    }
    // A teacher with both is refused where it is described.
    if (typeof upload !== 'string' || rest.path !== undefined) return teacher;
    const file = await uploadOf(upload).catch((error: unknown) => {
      if (!(error instanceof DistilleryError) || error.status >= 500) throw error;
      throw refusal(`${at}/upload`, error.message, upload, error);
    });
    return { ...rest, path: storedPath(file) } as unknown as Teacher;
  };
  return {
    ...spec,
    ...(spec.teacher && { teacher: await resolved(spec.teacher, '/teacher') }),
    teachers: await Promise.all(
      spec.teachers.map((teacher, index) => resolved(teacher, `/teachers/${index}`)),
    ),
  };
}

function refusal(path: string, message: string, value: unknown, cause?: unknown): DistilleryError {
  return new DistilleryError('invalid_spec', `${path}: ${message}`, {
    cause,
    fields: [{ path, message, value }],
  });
}
