import { DistilleryError } from '@distillery/spec';
import { z } from 'zod';
import type { TeacherRows } from '../batches/batch-thread.ts';
import { tapOf } from '../ensemble.ts';
import { type OutputsKey, outputsName, rowFile, storedRowsSchema } from '../outputs.ts';
import { ensembleOf, networkOf, type PlannedStudent, tapsFrom } from '../planning/layout.ts';
import { viewsOf } from '../planning/students.ts';
import type { PlanningJob } from '../planning/stages.ts';
import { type Materials, outputsKey } from './materials.ts';
import { outputs, outputsStage } from './outputs.ts';
import type { StageContext } from './stage.ts';

/** One of a student's teachers, and the stage that stored its outputs. */
export const taughtBySchema = z.strictObject({
  network: z.string().describe('The name of the teacher.'),
  outputs: z.string().describe('The id of the stage that stored its outputs.'),
});
type TaughtBy = z.output<typeof taughtBySchema>;

/** The teachers of a student; for a teacher that is itself a student, its run with the same seed. */
export function teachersOf(job: PlanningJob, { student }: PlannedStudent, seed: number): TaughtBy[] {
  return student.teachers.map((network) => ({ network, outputs: outputsStage(job, network, seed) }));
}

/**
 * The files of the teachers' outputs that a student reads.
 *
 * @param only the taps to read; absent: all taps that the student's method reads
 * @throws DistilleryError `artifact_corrupt` when a file is missing
 */
export async function teacherRows(
  { job, store, result }: StageContext,
  materials: Materials,
  planned: PlannedStudent,
  teachers: readonly TaughtBy[],
  only?: readonly string[],
): Promise<TeacherRows> {
  const { layout } = materials;
  const { training } = planned.student;
  const taps: TeacherRows['taps'] = {};
  for (const { network, outputs: stage } of teachers) {
    const { classMap } = networkOf(layout, network);
    const digest = result(outputs, stage).teacher;
    const key = outputsKey(digest, materials, job.spec, training.augmentation, classMap);
    for (const tap of tapsFrom(layout, planned, network)) {
      const full = ensembleOf(layout, planned) === undefined ? tap : tapOf(network, tap);
      if (only === undefined || only.includes(full)) taps[full] = await rowFiles(key, tap);
    }
  }
  return { position: positions(materials), taps };

  async function rowFiles(key: OutputsKey, tap: string) {
    const files = [];
    for (let view = 0; view < viewsOf(training); view++) {
      const name = outputsName(key, tap, view);
      const rows = await store.manifest(name, storedRowsSchema);
      if (rows === undefined)
        throw new DistilleryError('artifact_corrupt', `the stored teacher outputs ${name} are missing`);
      files.push(await rowFile(store, rows));
    }
    return files;
  }
}

/** Maps an image's index to its row: rows are stored in the order of the training indices. */
function positions({ dataset, indices }: Materials): Int32Array {
  const position = new Int32Array(dataset.train.count);
  indices.train.forEach((index, row) => {
    position[index] = row;
  });
  return position;
}
