import { DistilleryError } from '@distillery/spec';
import type { TeacherRows } from '../batches/batch-thread.ts';
import { tapOf } from '../ensemble.ts';
import { ensembleOf, type LaidStudent, networkOf, tapsFrom, viewsOf } from '../planning/layout.ts';
import { type OutputsKey, outputsName, rowFile, type StoredRows } from '../outputs.ts';
import { type Materials, outputsKey } from './materials.ts';
import { trainedNetwork } from './results.ts';
import type { StageContext } from './stage.ts';

/**
 * Where the teachers' outputs that a student reads are stored.
 *
 * @param seed of the student
 * @param only these taps; absent: all that its method reads
 * @throws DistilleryError `artifact_corrupt` when some are gone
 */
export async function teacherRows(
  { job, store, results }: StageContext,
  materials: Materials,
  laid: LaidStudent,
  seed: number,
  only?: readonly string[],
): Promise<TeacherRows> {
  const { layout } = materials;
  const { training, teachers } = laid.student;
  const taps: TeacherRows['taps'] = {};
  for (const name of teachers) {
    const { classMap } = networkOf(layout, name);
    const { digest } = trainedNetwork(results, name, seed).best.weights;
    const key = outputsKey(digest, materials, job.spec, training.augmentation, classMap);
    for (const tap of tapsFrom(layout, laid, name)) {
      const full = ensembleOf(layout, laid) === undefined ? tap : tapOf(name, tap);
      if (only === undefined || only.includes(full)) taps[full] = await rowFiles(key, tap);
    }
  }
  return { position: positions(materials), taps };

  async function rowFiles(key: OutputsKey, tap: string) {
    const files = [];
    for (let view = 0; view < viewsOf(training); view++) {
      const name = outputsName(key, tap, view);
      const rows = await store.manifest<StoredRows>(name);
      if (rows === undefined)
        throw new DistilleryError('artifact_corrupt', `the teacher's outputs ${name} are gone`);
      files.push(await rowFile(store, rows));
    }
    return files;
  }
}

/** Rows stand in the order of the split; this leads from an image's index to its row. */
function positions({ dataset, indices }: Materials): Int32Array {
  const position = new Int32Array(dataset.train.count);
  indices.train.forEach((index, row) => {
    position[index] = row;
  });
  return position;
}
