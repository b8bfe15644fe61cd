import { DistilleryError } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { teacherTaps } from '../method.ts';
import { openRows, outputsName, type RowReader, type StoredRows } from '../outputs.ts';
import { viewsOf } from '../layout.ts';
import { loadMaterials, outputsKey } from './materials.ts';
import { runNetwork, type TrainedNetwork } from './network-run.ts';
import type { StageContext } from './stage.ts';
import type { TeacherResult } from './teacher.ts';

export interface StudentResult {
  result: TrainedNetwork['result'];
}

/** Trains one student with one seed against the teacher's stored outputs. */
export async function runStudent(context: StageContext): Promise<StudentResult> {
  const { job, stage, store, results } = context;
  const materials = await loadMaterials(context);
  const { dataset, indices, layout } = materials;
  const found = layout.students.find(({ student }) => student.name === stage.student);
  if (found === undefined || stage.seed === undefined)
    throw new Error(`the job has no student for ${stage.id}`);
  const { student, method } = found;
  const { architecture, training } = student;
  const views = viewsOf(training);
  const key = outputsKey(
    (results.teacher as TeacherResult).result.best.weights.digest,
    materials,
    job.spec,
    training.augmentation,
  );

  // Rows stand in the order of the split; `position` leads from an image's index to its row.
  const position = new Int32Array(dataset.train.count);
  indices.train.forEach((index, row) => {
    position[index] = row;
  });
  const readers = new Map<string, RowReader>();
  try {
    for (const tap of teacherTaps(method)) {
      for (let view = 0; view < views; view++) {
        const name = outputsName(key, tap, view);
        const rows = await store.manifest<StoredRows>(name);
        if (rows === undefined)
          throw new DistilleryError('artifact_corrupt', `the teacher's outputs ${name} are gone`);
        readers.set(`${tap}/${view}`, await openRows(store, rows));
      }
    }
    const taps = teacherTaps(method);
    const teacher = (view: number, images: Int32Array) =>
      Object.fromEntries(
        taps.map((tap) => {
          const reader = readers.get(`${tap}/${view}`) as RowReader;
          const rows = images.map((index) => position[index]);
          return [tap, tf.tensor(reader.read(rows), [images.length, ...reader.shape])];
        }),
      );
    return {
      result: await runNetwork(context, materials, {
        architecture,
        method,
        training,
        seed: stage.seed,
        views,
        teacher,
      }),
    };
  } finally {
    for (const reader of readers.values()) reader.close();
  }
}
