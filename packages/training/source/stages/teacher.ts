import { teacherTraining } from '../students.ts';
import { bindMethod, labelsAlone } from '../method.ts';
import { loadMaterials, trainingKey } from './materials.ts';
import { runNetwork, type TrainedNetwork } from './network-run.ts';
import type { StageContext } from './stage.ts';

export interface TeacherResult {
  result: TrainedNetwork['result'];
  dataset: {
    digest: string;
    classes: string[];
    train: number;
    validation: number;
    test: number;
    skipped: number;
  };
}

/**
 * Trains the teacher with cross-entropy, or takes the one that an earlier job trained from the same data, options,
 * seed and engine: a teacher is addressed by the digest of all that determines it.
 */
export async function runTeacher(context: StageContext): Promise<TeacherResult> {
  const { job, store, engine } = context;
  const materials = await loadMaterials(context);
  const { dataset, indices, layout } = materials;
  const training = teacherTraining(job.spec);
  const { architecture } = job.spec.teacher;
  const name = `teachers/${trainingKey({ architecture, training }, materials, job.spec, engine)}`;
  const known = await store.manifest<TrainedNetwork['result']>(name);
  const about = {
    dataset: {
      digest: dataset.digest,
      classes: dataset.classes,
      train: indices.train.length,
      validation: indices.validation.length,
      test: dataset.test.count,
      skipped: dataset.skipped.count,
    },
  };
  if (known !== undefined) {
    const files = [known.best.weights, known.best.logits, known.last.weights, known.last.logits];
    const found = await Promise.all(files.map(({ digest }) => store.stat(digest)));
    if (!found.includes(undefined)) {
      return { result: { ...known, stage: context.stage.id, reused: true }, ...about };
    }
    // Somebody cleared the store in part; what is trained anew takes the place of what is incomplete.
    await store.removeManifest(name);
  }

  const method = bindMethod(labelsAlone, layout.teacher, layout.teacher);
  const run = { architecture, method, training, seed: training.seed, views: Infinity };
  const result = await runNetwork(context, materials, run);
  await store.commit(name, result);
  return { result, ...about };
}
