import type { Dataset } from '@distillery/datasets';
import { digestOf, DistilleryError } from '@distillery/spec';
import type { TeacherProvider } from '@distillery/teachers';
import * as tf from '@tensorflow/tfjs-core';
import { teacherFiles } from '../given/files.ts';
import { predictorOf } from '../evaluate.ts';
import { teachers } from '../kinds.ts';
import { createNetwork, disposeNetwork } from '../network.ts';
import type { PlannedStudent, PlannedTeacher } from '../planning/layout.ts';
import { loadWeights } from '../weights.ts';
import type { StageContext } from './stage.ts';
import type { Trained } from './trained-network.ts';

/**
 * Opens a network of the job to compute its outputs: a teacher by its kind, or a student that teaches others as a trained
 * teacher. It takes the images of the job, normalised as the job's, and its logits are those of the job's classes.
 *
 * @param trained how the network turned out; absent for a teacher that the job does not train
 * @param dataset the job's data; texts have no normalisation
 * @throws DistilleryError `artifact_corrupt` when weights are missing or damaged: the store verifies what it reads
 */
export async function openTeacher(
  { store, data }: Pick<StageContext, 'store' | 'data'>,
  network: PlannedTeacher | PlannedStudent,
  trained: Trained | undefined,
  { shape, normalization }: { shape: number[]; normalization?: Normalization },
): Promise<TeacherProvider> {
  const options = 'teacher' in network ? network.teacher.options : { type: 'trained' };
  const kind = teachers.get(options.type);
  if (kind.open === undefined)
    throw new DistilleryError('internal', `a teacher of ${options.type} cannot be run`);
  const provider = await kind.open(options, {
    store,
    files: teacherFiles(data),
    shape,
    ...(trained && { trained: trained.result.best.weights.digest }),
    network: async (weights) => {
      const values = await loadWeights(store, weights, network.plan.parameters);
      const loaded = createNetwork(network.forward, shape, values, true);
      return { digest: weights, ...predictorOf(loaded), dispose: () => disposeNetwork(loaded) };
    },
  });
  const own = 'teacher' in network ? network.normalization : undefined;
  return ofJob(provider, network.classMap, normalization, own ?? trained?.data.normalization);
}

type Normalization = Dataset['normalization'];

/**
 * A teacher as the job's data need it.
 *
 * @param classMap for each class of the job the teacher's; absent where they are the same
 * @param from how the images are normalised; absent for texts
 * @param to how the teacher's images are normalised; absent: as `from`
 */
function ofJob(
  provider: TeacherProvider,
  classMap: readonly number[] | undefined,
  from: Normalization,
  to: Normalization,
): TeacherProvider {
  const { digest, taps, activations } = provider;
  const normalized = renormalizing(from, to);
  return {
    digest,
    activations,
    taps: classMap === undefined ? taps : { ...taps, logits: [classMap.length] },
    predict: ({ images, labels }, wanted) =>
      tf.tidy(() => {
        const outputs = provider.predict({ images: normalized(images), labels }, wanted);
        if (classMap === undefined || outputs.logits === undefined) return outputs;
        const classes = tf.tensor1d([...classMap], 'int32');
        return { ...outputs, logits: tf.gather(outputs.logits, classes, 1) };
      }),
    dispose: () => provider.dispose(),
  };
}

/** Returns a function from images of one normalisation to those of another: `[batch, height, width, channels]`. */
function renormalizing(from: Normalization, to: Normalization): (images: tf.Tensor) => tf.Tensor {
  if (from === undefined || to === undefined || digestOf(from) === digestOf(to)) return (images) => images;
  const scale = from.std.map((std, channel) => std / to.std[channel]);
  const shift = from.mean.map((mean, channel) => (mean - to.mean[channel]) / to.std[channel]);
  return (images) => tf.add(tf.mul(images, scale), shift);
}
