import type { Tensors } from '@distillery/engine';
import type * as tf from '@tensorflow/tfjs-core';
import { combineLogits, type Ensemble, tapOf } from '../ensemble.ts';
import { ensembleOf, networkOf, viewsOf } from '../planning/layout.ts';
import { loadInherited, loadTeacherParameters } from '../teacher-parameters.ts';
import { loadPretrained } from './auxiliary.ts';
import { type AboutData, aboutData, loadMaterials } from './materials.ts';
import { runNetworks, type TrainedNetwork } from './network-run.ts';
import { trainedNetwork } from './results.ts';
import type { StageContext } from './stage.ts';
import { teacherRows } from './teacher-rows.ts';

export interface StudentResult {
  result: TrainedNetwork['result'];
  dataset: AboutData;
}

/** Trains one student with one seed against its teachers' stored outputs. */
export async function runStudent(context: StageContext): Promise<StudentResult> {
  const { stage, store, results } = context;
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
  const parameters = ofTeacher && (await loadTeacherParameters(method, ...ofTeacher));
  const [result] = await runNetworks(context, materials, {
    members: [
      {
        name: '',
        architecture,
        forward,
        plan,
        method,
        seed,
        ...(inherited && { inherited }),
        ...(parameters && { teacherParameters: parameters }),
        pretrained: await loadPretrained(found, layout, seed, context),
      },
    ],
    training,
    seed,
    views: viewsOf(training),
    teacher: await teacherRows(context, materials, found, seed),
    ...(ensemble && { combine: (taps, labels) => spoken(taps, labels, ensemble) }),
  });
  return { result, dataset: await aboutData(materials, store) };
}

/** What several teachers say together, beside what each says. */
function spoken(taps: Tensors, labels: tf.Tensor1D, ensemble: Ensemble): Tensors {
  const logits = ensemble.names.map((name) => taps[tapOf(name, 'logits')]);
  // A method that reads single teachers' maps alone has no logits to combine.
  if (logits.includes(undefined as never)) return taps;
  return { ...taps, logits: combineLogits(logits, labels, ensemble) };
}
