import type { Forward } from '@distillery/engine';
import { type Checkpoint, openCheckpoints } from '../checkpoint.ts';
import { type LaidStudent, type Layout, viewsOf } from '../planning/layout.ts';
import { createNetwork, disposeNetwork, type Values } from '../network.ts';
import { type Pretrained, pretrainedOf, reconstruction, stageOf } from '../pretraining.ts';
import { withoutPrefix } from '../prefixes.ts';
import { train } from '../train.ts';
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

/**
 * The training loop as students have it: its checkpoints, its views, its batches. Beside what is trained there is a
 * network that has nothing to learn.
 */
async function trained(
  context: StageContext,
  materials: Materials,
  laid: LaidStudent,
  wanted: Pretrained,
): Promise<{ values: Values; loss: number }> {
  const { job, stage, tell, pause } = context;
  const { dataset, indices } = materials;
  const { training } = wanted;
  const idle: Forward = (net, x) =>
    net.tap('logits', net.slice(net.flatten(x), { from: 0, to: dataset.classes.length }));
  const network = createNetwork(idle, dataset.shape, 0);
  const { resume, save } = await openCheckpoints(checkpointsOf(context));
  let last: Checkpoint | undefined = resume;
  const stepsPerEpoch = Math.ceil(indices.train.length / training.batchSize);
  const progress = trainingProgress({ stepsPerEpoch, epochs: training.epochs });
  try {
    const { losses } = await train({
      network,
      method: [reconstruction(wanted)],
      dataset,
      indices: { train: indices.train, validation: new Int32Array() },
      training,
      seed: training.seed,
      views: viewsOf(laid.student.training),
      teacher: await teacherRows(context, materials, laid, stage.seed ?? 0, [wanted.how.tap]),
      resume,
      checkpoints: job.spec.checkpoints,
      hooks: {
        metrics: (epoch, step, values) =>
          tell.metrics({ epoch, step, time: new Date().toISOString(), values }),
        progress: (phase, cursor) => tell.progress(progress(phase, cursor)),
        warning: tell.warning,
        async checkpoint(checkpoint) {
          last = checkpoint;
          await save(checkpoint);
        },
        pause,
      },
    });
    // The last epoch ends with a checkpoint.
    const values = withoutPrefix('reconstruction.network/', (last as Checkpoint).groups.auxiliary);
    return { values, loss: losses.reconstruction };
  } finally {
    disposeNetwork(network);
  }
}

/**
 * The weights of a student's auxiliary networks that were trained before it, `<term>.<auxiliary>/<parameter>`.
 *
 * @throws DistilleryError `artifact_corrupt` when one is missing or has another shape
 */
export async function loadPretrained(
  laid: LaidStudent,
  layout: Layout,
  seed: number,
  { store, results }: StageContext,
): Promise<Values> {
  const all: Values = {};
  for (const { name, plan, key } of pretrainedOf(laid)) {
    const { weights } = results[stageOf(layout, laid, key, seed).id] as AuxiliaryResult;
    const values = await loadWeights(store, weights.digest, plan.parameters);
    for (const [parameter, value] of Object.entries(values)) all[`${name}/${parameter}`] = value;
  }
  return all;
}
