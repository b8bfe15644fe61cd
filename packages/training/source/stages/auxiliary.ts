import { openCheckpoints } from '../checkpoint.ts';
import { type LaidStudent, type Layout, viewsOf } from '../planning/layout.ts';
import { disposeNetwork, readValues, type Values } from '../network.ts';
import { type Pretrained, pretrainedOf, reconstruction, stageOf } from '../pretraining.ts';
import type { PretrainedValues } from '../components/auxiliary-networks.ts';
import { train } from '../loop.ts';
import { encodeWeights, loadWeights } from '../weights.ts';
import { checkpointsOf, loadMaterials, type Materials, trainingKey, trainingProgress } from './materials.ts';
import { trainedNetwork } from './results.ts';
import type { StageContext } from './stage.ts';
import { teacherRows } from './teacher-rows.ts';

export interface AuxiliaryResult {
  /** Its manifest, by which others find it. */
  address: string;
  weights: { digest: string; size: number };
  /** The last epoch's mean. */
  reconstruction: number;
  /** True when an earlier job, or another student, had trained it. */
  reused: boolean;
}

/**
 * Trains a network that a student's method needs beforehand, on the stored outputs of its teacher, or takes the one that
 * was trained from the same: it is addressed by the digest of all that determines it.
 */
export async function runAuxiliary(context: StageContext): Promise<AuxiliaryResult> {
  const { job, stage, store, engine, results } = context;
  const materials = await loadMaterials(context);
  const laid = materials.layout.students.find(({ student }) => student.name === stage.student);
  const wanted = laid && pretrainedOf(laid).find(({ key }) => key === stage.auxiliary);
  if (laid === undefined || wanted === undefined) throw new Error(`the job has no network for ${stage.id}`);
  const seed = stage.seed ?? 0;
  const teachers = laid.student.teachers.map(
    (name) => trainedNetwork(results, name, seed).best.weights.digest,
  );
  const name = `auxiliaries/${trainingKey({ auxiliary: wanted.key, teachers }, materials, job.spec, engine)}`;
  const known = await store.manifest<AuxiliaryResult>(name);
  if (known !== undefined) {
    if ((await store.stat(known.weights.digest)) !== undefined) return { ...known, reused: true };
    await store.removeManifest(name);
  }
  const { values, loss } = await trained(context, materials, laid, wanted);
  const weights = await store.put(encodeWeights(wanted.whole.parameters, values));
  const result = { address: name, weights, reconstruction: loss, reused: false };
  await store.commit(name, result);
  return result;
}

/** Trains it as students are trained: with their checkpoints, their views, their batches. */
async function trained(
  context: StageContext,
  materials: Materials,
  laid: LaidStudent,
  wanted: Pretrained,
): Promise<{ values: Values; loss: number }> {
  const { job, stage, tell, pause } = context;
  const { dataset, indices } = materials;
  const { training } = wanted;
  const { resume, save } = await openCheckpoints(checkpointsOf(context));
  const stepsPerEpoch = Math.ceil(indices.train.length / training.batchSize);
  const progress = trainingProgress({ stepsPerEpoch, epochs: training.epochs });
  const teacher = await teacherRows(context, materials, laid, stage.seed ?? 0, [wanted.how.tap]);
  const member = reconstruction(wanted, training.seed);
  try {
    const { members } = await train({
      members: [member],
      dataset,
      indices: { train: indices.train, validation: new Int32Array() },
      training,
      seed: training.seed,
      views: viewsOf(laid.student.training),
      teacher,
      resume,
      checkpoints: job.spec.checkpoints,
      hooks: {
        metrics: (epoch, step, values) =>
          tell.metrics({ epoch, step, time: new Date().toISOString(), values }),
        progress: (phase, cursor) => tell.progress(progress(phase, cursor)),
        warning: tell.warning,
        checkpoint: save,
        pause,
      },
    });
    return { values: readValues(member.network.variables), loss: members[0].losses.reconstruction };
  } finally {
    disposeNetwork(member.network);
  }
}

/**
 * The weights of a student's auxiliary networks that were trained before it.
 *
 * @throws DistilleryError `artifact_corrupt` when one is missing or has another shape
 */
export async function loadPretrained(
  laid: LaidStudent,
  layout: Layout,
  seed: number,
  { store, results }: StageContext,
): Promise<PretrainedValues> {
  const all: PretrainedValues = {};
  for (const { term, part, plan, key } of pretrainedOf(laid)) {
    const { weights } = results[stageOf(layout, laid, key, seed).id] as AuxiliaryResult;
    (all[term] ??= {})[part] = await loadWeights(store, weights.digest, plan.parameters);
  }
  return all;
}
