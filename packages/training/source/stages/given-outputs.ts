import { createReadStream } from 'node:fs';
import { augmentationName, resolveSourcePath } from '@distillery/datasets';
import { digestOf, DistilleryError } from '@distillery/spec';
import type { GivenOutputs } from '@distillery/teachers';
import { teacherFiles } from '../given/files.ts';
import { teachers } from '../kinds.ts';
import { intactRows, outputsAddress, outputsName, rowWriter, storedRowsSchema } from '../outputs.ts';
import type { PlannedStudent, PlannedTeacher } from '../planning/layout.ts';
import { outputSets } from '../planning/output-sets.ts';
import { accuracy } from '../scores.ts';
import { doubtfulTeacher } from '../sanity.ts';
import { aboutData } from './about-data.ts';
import { type Materials, outputsKey } from './materials.ts';
import type { OutputsResult, OutputsSet } from './outputs.ts';
import { scoredTeacher } from './scored-teacher.ts';
import type { StageContext } from './stage.ts';

/** Returns a network if it is a teacher whose outputs are given in a file. */
export function givenTeacher(network: PlannedTeacher | PlannedStudent): PlannedTeacher | undefined {
  if (!('teacher' in network)) return undefined;
  return teachers.get(network.teacher.options.type).read === undefined ? undefined : network;
}

/**
 * Stores the given outputs of a teacher as if they had been computed: a row for each training sample, the same for each of its views.
 *
 * @throws DistilleryError `data_error` for a file that does not fit the samples
 */
export async function storeGiven(
  context: StageContext,
  materials: Materials,
  planned: PlannedTeacher,
): Promise<OutputsResult> {
  const { store, job, data, emit } = context;
  const { dataset, indices, layout } = materials;
  const { teacher, plan, classMap } = planned;
  const { options } = teacher;
  const given = (await teachers.get(options.type).read?.(options, teacherFiles(data))) as GivenOutputs;
  const width = plan.outputShape[0];
  const train = mapped(
    given.logits('train', { count: dataset.train.count, classes: width }),
    width,
    classMap,
  );
  const test = mapped(given.logits('test', { count: dataset.test.count, classes: width }), width, classMap);
  if (train === undefined) throw new DistilleryError('internal', 'the outputs have no training samples');
  // Samples without a class come last, and cannot be right or wrong.
  const count = dataset.train.count - (dataset.unlabeled ?? 0);
  const labels = dataset.train.labels.subarray(0, count);
  const predictions = { logits: train, labels, classes: dataset.classes.length };
  for (const sentence of doubtfulTeacher(accuracy(predictions), { ...predictions, count }))
    emit.warning(sentence);

  // The same numbers mean other outputs where they are declared as another kind of value.
  const digest = digestOf({ file: given.digest, values: options.values });
  const sets: OutputsSet[] = [];
  for (const { augmentation, views, taps } of outputSets(layout, teacher.name)) {
    const key = outputsKey(digest, materials, job.spec, augmentation, classMap);
    let [bytes, stored] = [0, 0];
    for (let view = 0; view < views; view++) {
      const name = outputsName(key, 'logits', view);
      let rows = await intactRows(store, name);
      if (rows === undefined) {
        rows = await written();
        await store.commit(name, rows, storedRowsSchema);
        stored++;
      }
      bytes += rows.size;
    }
    const address = outputsAddress(key);
    const augmented = augmentationName(augmentation);
    sets.push({
      address,
      teacher: teacher.name,
      augmentation: augmented,
      views,
      taps,
      bytes,
      reused: stored === 0,
    });
  }
  return {
    teacher: digest,
    sets,
    ...(test && {
      given: {
        result: await scoredTeacher(context, materials, {
          plan,
          weights: await storedFile(context, String(options.path)),
          logits: test,
          latencyMs: 0,
        }),
        data: await aboutData(materials, store),
      },
    }),
  };

  async function written() {
    const classes = dataset.classes.length;
    const writer = rowWriter(store, [classes]);
    for (const index of indices.students) {
      await writer.write((train as Float32Array).slice(index * classes, (index + 1) * classes));
    }
    return await writer.close();
  }
}

/** The columns of the job's classes. */
function mapped(
  logits: Float32Array | undefined,
  width: number,
  classMap: readonly number[] | undefined,
): Float32Array | undefined {
  if (logits === undefined || classMap === undefined) return logits;
  const rows = logits.length / width;
  const out = new Float32Array(rows * classMap.length);
  for (let row = 0; row < rows; row++) {
    for (const [k, index] of classMap.entries()) out[row * classMap.length + k] = logits[row * width + index];
  }
  return out;
}

/** Keeps the file of a teacher in the store, so that the report names it. */
export async function storedFile({ store, data }: StageContext, path: string) {
  return await store.put(createReadStream(await resolveSourcePath(path, data)));
}
