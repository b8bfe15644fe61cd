import type { Tensors } from '@distillery/engine';
import { DistilleryError } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import type { TeacherRows } from '../batch-thread.ts';
import { combineLogits, type Ensemble, tapOf } from '../ensemble.ts';
import { ensembleOf, type LaidStudent, networkOf, tapsFrom, viewsOf } from '../layout.ts';
import { type OutputsKey, outputsName, rowFile, type StoredRows } from '../outputs.ts';
import { loadInherited, loadTeacherParameters } from '../teacher-parameters.ts';
import { type AboutData, aboutData, loadMaterials, type Materials, outputsKey } from './materials.ts';
import { runNetworks, type TrainedNetwork } from './network-run.ts';
import { trainedNetwork } from './results.ts';
import type { StageContext } from './stage.ts';

export interface StudentResult {
  result: TrainedNetwork['result'];
  dataset: AboutData;
}

/** Trains one student with one seed against its teachers' stored outputs. */
export async function runStudent(context: StageContext): Promise<StudentResult> {
  const { job, stage, store, results } = context;
  const materials = await loadMaterials(context);
  const { layout } = materials;
  const found = layout.students.find(({ student }) => student.name === stage.student);
  const { seed } = stage;
  if (found === undefined || seed === undefined) throw new Error(`the job has no student for ${stage.id}`);
  const { student, method, forward, plan } = found;
  const { architecture, training, teachers } = student;
  const ensemble = ensembleOf(layout, found);
  const weightsOf = (name: string) => trainedNetwork(results, name, seed).best.weights.digest;
  const [teacher] = teachers;
  // Only a single teacher's parameters can be read.
  const ofTeacher =
    teacher === undefined
      ? undefined
      : ([store, weightsOf(teacher), networkOf(layout, teacher).plan] as const);
  const inherited = ofTeacher && (await loadInherited(found.inherited, ...ofTeacher));
  const teacherParameters = ofTeacher ? await loadTeacherParameters(method, ...ofTeacher) : {};
  try {
    const [result] = await runNetworks(context, materials, {
      members: [{ name: '', architecture, forward, plan, seed, ...(inherited && { inherited }) }],
      method,
      training,
      seed,
      views: viewsOf(training),
      teacher: await storedRows(),
      ...(ensemble && { combine: (taps, labels) => spoken(taps, labels, ensemble) }),
      teacherParameters,
    });
    return { result, dataset: await aboutData(materials, store) };
  } finally {
    tf.dispose(teacherParameters);
  }

  async function storedRows(): Promise<TeacherRows> {
    const taps: TeacherRows['taps'] = {};
    for (const name of teachers) {
      const { classMap } = networkOf(layout, name);
      const key = outputsKey(weightsOf(name), materials, job.spec, training.augmentation, classMap);
      for (const tap of tapsFrom(layout, found as LaidStudent, name)) {
        taps[ensemble === undefined ? tap : tapOf(name, tap)] = await rowFiles(key, tap);
      }
    }
    return { position: positions(materials), taps };
  }

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

/** What several teachers say together, beside what each says. */
function spoken(taps: Tensors, labels: tf.Tensor1D, ensemble: Ensemble): Tensors {
  const logits = ensemble.names.map((name) => taps[tapOf(name, 'logits')]);
  // A method that reads single teachers' maps alone has no logits to combine.
  if (logits.includes(undefined as never)) return taps;
  return { ...taps, logits: combineLogits(logits, labels, ensemble) };
}
