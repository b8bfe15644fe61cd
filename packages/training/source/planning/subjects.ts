import { type DatasetContext, type DatasetOutline, datasets } from '@distillery/datasets';
import type { JobSpec } from '@distillery/spec';
import { jobTeachers } from './students.ts';

/**
 * The outlines of the data of teachers that have their own.
 *
 * @throws DistilleryError `data_error` or `data_unavailable` when one cannot be used
 */
export async function teacherSubjects(
  spec: JobSpec,
  context: DatasetContext,
): Promise<Record<string, DatasetOutline>> {
  const subjects: Record<string, DatasetOutline> = {};
  for (const { name, dataset } of jobTeachers(spec)) {
    if (dataset === undefined) continue;
    subjects[name] = await datasets.get(dataset.source).outline(dataset, context);
  }
  return subjects;
}
