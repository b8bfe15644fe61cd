import { type DatasetContext, type DatasetOutline, datasets } from '@distillery/datasets';
import { DistilleryError, type JobSpec } from '@distillery/spec';
import type { Store } from '@distillery/store';
import type { TeacherOutline } from '@distillery/teachers';
import { teachers as teacherKinds } from '../kinds.ts';
import { teacherFiles } from '../given/files.ts';
import type { Subject } from './class-map.ts';
import { jobTeachers, type Teacher } from './students.ts';

/** What planning knows about a teacher beside the spec. */
export interface TeacherFacts extends Omit<TeacherOutline, 'subject'> {
  /** The data that it is or was trained on; absent: the job's data. */
  subject?: Subject;
  /** The outline of its own data set; absent where the job trains it on the job's data. */
  data?: DatasetOutline;
}

/** The data of a job; while the job is planned also the numbers of its samples. */
type JobData = Pick<DatasetOutline, 'shape' | 'classes'> & Partial<DatasetOutline>;

/**
 * Describes the teachers of a job, by name.
 *
 * @param job the data of the job, by which teachers that come in files are checked
 * @throws DistilleryError `invalid_spec` for a teacher that cannot be used; `data_error` or `data_unavailable` when a
 *   teacher's data set cannot be read
 */
export async function describeTeachers(
  spec: JobSpec,
  { store, ...context }: DatasetContext & { store?: Store },
  job?: JobData,
): Promise<Record<string, TeacherFacts>> {
  const facts: Record<string, TeacherFacts> = {};
  for (const teacher of jobTeachers(spec)) {
    const outline = await outlineOf(teacher, store, context, job);
    const { dataset } = teacher;
    if (dataset === undefined) {
      facts[teacher.name] = outline;
      continue;
    }
    const data = await datasets.get(dataset.source).outline(dataset, context);
    facts[teacher.name] = { ...outline, subject: data, data };
  }
  return facts;
}

async function outlineOf(
  { options, path }: Teacher,
  store: Store | undefined,
  context: DatasetContext,
  job: JobData | undefined,
): Promise<TeacherOutline> {
  const surroundings = store && { store, files: teacherFiles(context), ...(job && { job }) };
  try {
    return await teacherKinds.get(options.type).outline(options, surroundings);
  } catch (error) {
    if (!(error instanceof DistilleryError)) throw error;
    // A path that may not be read is an error of the data, whose field is that of a data set.
    const isPath = error.code === 'data_error' && error.fields?.[0]?.path === '/dataset/path';
    if (error.code !== 'invalid_spec' && !isPath) throw error;
    const fields = error.fields?.map((field) => ({
      ...field,
      path: path + field.path.replace(/^\/dataset/, ''),
    }));
    throw new DistilleryError('invalid_spec', error.message, { cause: error, ...(fields && { fields }) });
  }
}
