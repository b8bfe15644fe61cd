import { DistilleryError } from '@distillery/spec';
import { z } from 'zod';
import type { TeacherRows } from '../batches/batch-thread.ts';
import { tapOf } from '../ensemble.ts';
import { teacherTaps } from '../method.ts';
import { type OutputsKey, outputsName, rowFile, storedRowsSchema } from '../outputs.ts';
import { ensembleOf, networkOf, type PlannedStudent, tapsFrom } from '../planning/layout.ts';
import { isFresh, viewsOf } from '../planning/students.ts';
import type { PlanningJob } from '../planning/stages.ts';
import { computedTaps, storedTaps, type TeacherInLoop, type TeacherTaps } from '../teacher-taps.ts';
import { type Materials, outputsKey } from './materials.ts';
import { outputs, outputsStage } from './outputs.ts';
import type { StageContext } from './stage.ts';
import { openTeacher } from './teacher-provider.ts';
import { networkReferenceSchema } from './trained-network.ts';
import { trainingOf } from './training-stage.ts';

const network = z.string().describe('The name of the teacher.');

/** One of a student's teachers, and the stage that it waits for. */
export const taughtBySchema = z.union([
  z.strictObject({
    network,
    outputs: z
      .string()
      .describe('The id of the stage that stored its outputs, or scored it where it is not trained here.'),
  }),
  z.strictObject({
    network,
    trained: networkReferenceSchema.describe('The stage that trained it. It runs in the training loop.'),
  }),
]);
type TaughtBy = z.output<typeof taughtBySchema>;

/** The teachers of a student; for a teacher that is itself a student, its run with the same seed. */
export function teachersOf(job: PlanningJob, { student }: PlannedStudent, seed: number): TaughtBy[] {
  return student.teachers.map((name) => {
    const trained = isFresh(student.training) ? trainingOf(job, name, seed) : undefined;
    return trained === undefined
      ? { network: name, outputs: outputsStage(job, name, seed) }
      : { network: name, trained };
  });
}

/** The id of the stage that a student waits for before it learns from a teacher. */
export function stageOf(teacher: TaughtBy): string {
  return 'trained' in teacher ? teacher.trained.stage : teacher.outputs;
}

/** The digest of all that determines a teacher's outputs: for a network, of its weights. */
export function digestOfTeacher({ result, network: trainedBy }: StageContext, teacher: TaughtBy): string {
  return 'trained' in teacher
    ? trainedBy(teacher.trained).result.best.weights.digest
    : result(outputs, teacher.outputs).teacher;
}

/**
 * Opens the taps of a student's teachers: the stored ones, or with fresh views the teachers themselves. The caller disposes
 * them.
 *
 * @param read the taps of all teachers together. Default: those that the student's method reads
 * @throws DistilleryError `artifact_corrupt` when stored rows or weights are missing or damaged
 */
export async function openTeacherTaps(
  context: StageContext,
  materials: Materials,
  planned: PlannedStudent,
  teachers: readonly TaughtBy[],
  read = teacherTaps(planned.method),
): Promise<TeacherTaps> {
  const { layout } = materials;
  const ensemble = ensembleOf(layout, planned);
  const wanted = teachers.map((teacher) => {
    const taps = tapsFrom(layout, planned, teacher.network, read);
    const named = (tap: string) => (ensemble === undefined ? tap : tapOf(teacher.network, tap));
    return { teacher, names: Object.fromEntries(taps.map((tap) => [tap, named(tap)])) };
  });
  return isFresh(planned.student.training)
    ? computedTaps(await opened(context, materials, wanted), ensemble)
    : storedTaps(await rowsOf(context, materials, planned, wanted), ensemble);
}

type Wanted = Pick<TeacherInLoop, 'names'> & { teacher: TaughtBy };

async function opened(
  context: StageContext,
  { dataset, layout }: Materials,
  wanted: readonly Wanted[],
): Promise<TeacherInLoop[]> {
  const open: TeacherInLoop[] = [];
  try {
    for (const { teacher, names } of wanted) {
      if (Object.keys(names).length === 0) continue;
      const trained = 'trained' in teacher ? context.network(teacher.trained) : undefined;
      const provider = await openTeacher(context, networkOf(layout, teacher.network), trained, dataset);
      open.push({ provider, names });
    }
  } catch (error) {
    computedTaps(open).dispose();
    throw error;
  }
  return open;
}

async function rowsOf(
  context: StageContext,
  materials: Materials,
  { student: { training } }: PlannedStudent,
  wanted: readonly Wanted[],
): Promise<TeacherRows> {
  const { store, job } = context;
  const taps: TeacherRows['taps'] = {};
  for (const { teacher, names } of wanted) {
    const { classMap } = networkOf(materials.layout, teacher.network);
    const digest = digestOfTeacher(context, teacher);
    const key = outputsKey(digest, materials, job.spec, training.augmentation, classMap);
    for (const [tap, name] of Object.entries(names)) taps[name] = await rowFiles(key, tap);
  }
  return { position: positions(materials), taps };

  async function rowFiles(key: OutputsKey, tap: string) {
    const files = [];
    for (let view = 0; view < viewsOf(training); view++) {
      const name = outputsName(key, tap, view);
      const rows = await store.manifest(name, storedRowsSchema);
      if (rows === undefined)
        throw new DistilleryError('artifact_corrupt', `the stored teacher outputs ${name} are missing`);
      files.push(await rowFile(store, rows));
    }
    return files;
  }
}

/** Maps an image's index to its row: rows are stored in the order of the indices that students train on. */
function positions({ dataset, indices }: Materials): Int32Array {
  const position = new Int32Array(dataset.train.count);
  indices.students.forEach((index, row) => {
    position[index] = row;
  });
  return position;
}
