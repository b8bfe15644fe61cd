import { DistilleryError } from '@distillery/spec';
import { bindMethod, labelsAlone } from '../method.ts';
import { type AboutData, aboutData, loadMaterials, type Materials, trainingKey } from './materials.ts';
import { runNetworks, type TrainedNetwork } from './network-run.ts';
import type { StageContext } from './stage.ts';

export interface TeacherResult {
  /** Its manifest, by which later jobs find it. */
  address: string;
  result: TrainedNetwork['result'];
  dataset: AboutData;
}

/**
 * Trains a teacher with cross-entropy, or takes the one that an earlier job trained from the same data, options,
 * seed and engine: a teacher is addressed by the digest of all that determines it.
 */
export async function runTeacher(context: StageContext): Promise<TeacherResult> {
  const { job, store, engine, stage } = context;
  const materials = await loadMaterials(context, stage.teacher ?? 'teacher');
  const { architecture, training, ...network } = teacherOf(materials, stage.teacher);
  const name = `teachers/${trainingKey({ architecture, training }, materials, job.spec, engine)}`;
  const known = await store.manifest<TrainedNetwork['result']>(name);
  if (known !== undefined) {
    const files = [known.best.weights, known.best.logits, known.last.weights, known.last.logits];
    const found = await Promise.all(files.map(({ digest }) => store.stat(digest)));
    if (!found.includes(undefined)) {
      return {
        address: name,
        result: { ...known, stage: stage.id, reused: true },
        dataset: await aboutData(materials, store),
      };
    }
    // Somebody cleared the store in part; what is trained anew takes the place of what is incomplete.
    await store.removeManifest(name);
  }

  const { seed } = training;
  const [result] = await runNetworks(context, materials, {
    members: [
      {
        name: '',
        architecture,
        seed,
        ...network,
        method: bindMethod(labelsAlone, network.plan, network.plan),
      },
    ],
    training,
    seed,
    views: Infinity,
  });
  await store.commit(name, result);
  return { address: name, result, dataset: await aboutData(materials, store) };
}

function teacherOf({ layout }: Materials, name = 'teacher') {
  const found = layout.teachers.find(({ teacher }) => teacher.name === name);
  if (found === undefined) throw new DistilleryError('internal', `the job has no teacher ${name}`);
  const { teacher, forward, plan } = found;
  return { architecture: teacher.architecture, training: teacher.training, forward, plan };
}
