import { DistilleryError } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import type { TeacherRows } from '../batch-thread.ts';
import { teacherTaps } from '../method.ts';
import { type OutputsKey, outputsName, rowFile, type StoredRows } from '../outputs.ts';
import { viewsOf } from '../layout.ts';
import { loadInherited, loadTeacherParameters } from '../teacher-parameters.ts';
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
  const { student, method, forward } = found;
  const { architecture, training } = student;
  const views = viewsOf(training);
  const teacherWeights = (results.teacher as TeacherResult).result.best.weights.digest;
  const key = outputsKey(teacherWeights, materials, job.spec, training.augmentation);
  const rows = await storedRows(key, teacherTaps(method));
  const inherited = await loadInherited(found.inherited, store, teacherWeights, layout.teacher);
  const teacherParameters = await loadTeacherParameters(method, store, teacherWeights, layout.teacher);
  try {
    return {
      result: await runNetwork(context, materials, {
        architecture,
        forward,
        inherited,
        method,
        training,
        seed: stage.seed,
        views,
        teacher: rows,
        teacherParameters,
      }),
    };
  } finally {
    tf.dispose(teacherParameters);
  }

  async function storedRows(key: OutputsKey, names: readonly string[]): Promise<TeacherRows> {
    // Rows stand in the order of the split; `position` leads from an image's index to its row.
    const position = new Int32Array(dataset.train.count);
    indices.train.forEach((index, row) => {
      position[index] = row;
    });
    const taps: TeacherRows['taps'] = {};
    for (const tap of names) {
      taps[tap] = [];
      for (let view = 0; view < views; view++) {
        const name = outputsName(key, tap, view);
        const rows = await store.manifest<StoredRows>(name);
        if (rows === undefined)
          throw new DistilleryError('artifact_corrupt', `the teacher's outputs ${name} are gone`);
        taps[tap].push(await rowFile(store, rows));
      }
    }
    return { position, taps };
  }
}
