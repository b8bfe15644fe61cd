import { type InputKind, inputKind } from '@distillery/datasets';
import type { FieldError } from '@distillery/spec';

/** The inputs and classes of the data that a network is trained on. */
export interface Subject {
  /** `[height, width, channels]` of images, `[length]` of texts, `[columns]` of tables. */
  shape: number[];
  /** The number of token ids; absent for images and tables. */
  vocabulary?: number | undefined;
  classes: string[];
}

/**
 * Maps the classes of the job to those of a teacher.
 *
 * @param classMap the teacher's class for each class of the job
 * @returns `indices`: for each class of the job the index of the teacher's class, undefined where both have the same
 *   classes in the same order; `errors`: the fields that do not fit, with paths relative to the teacher
 */
export function mapClasses(
  job: Subject,
  teacher: Subject,
  classMap: Readonly<Record<string, string>> | undefined,
): { indices?: number[]; errors: FieldError[] } {
  const errors: FieldError[] = [];
  const why = job === teacher ? undefined : (ownInputs[inputKind(job)] ?? ownInputs[inputKind(teacher)]);
  if (why !== undefined) {
    errors.push({ path: '/dataset', message: `is not supported for ${why}; leave it out` });
  } else if (`${job.shape}` !== `${teacher.shape}`) {
    const message = `has images of [${teacher.shape}], but the job has images of [${job.shape}]`;
    errors.push({ path: '/dataset', message });
  }
  const same = job.classes.join('\n') === teacher.classes.join('\n');
  if (classMap === undefined) {
    if (same) return { errors };
    const message =
      `is required and must map each class of the job to a class of the teacher, because the teacher's classes ` +
      `(${some(teacher.classes)}) differ from the job's (${some(job.classes)}), or in their order`;
    return { errors: [...errors, { path: '/classMap', message }] };
  }
  for (const name of Object.keys(classMap)) {
    if (!job.classes.includes(name)) {
      errors.push({
        path: `/classMap/${name}`,
        message: 'is not a class of the job',
        allowed: job.classes,
      });
    }
  }
  const taken = new Map<string, string>();
  const indices = job.classes.map((name) => {
    const path = `/classMap/${name}`;
    const theirs = Object.hasOwn(classMap, name) ? classMap[name] : undefined;
    const index = theirs === undefined ? -1 : teacher.classes.indexOf(theirs);
    const other = theirs === undefined ? undefined : taken.get(theirs);
    if (theirs === undefined) {
      errors.push({
        path,
        message: 'is missing: every class of the job must be mapped',
        allowed: teacher.classes,
      });
    } else if (index === -1) {
      errors.push({
        path,
        message: 'is not a class of the teacher',
        value: theirs,
        allowed: teacher.classes,
      });
    } else if (other !== undefined) {
      errors.push({ path, message: `is already the class that ${other} is mapped to`, value: theirs });
    } else taken.set(theirs, name);
    return index;
  });
  return { indices, errors };
}

/** Why the inputs of one data set mean nothing to a network that was trained on another one. */
const ownInputs: Partial<Record<InputKind, string>> = {
  // The same id stands for another word there, also where both vocabularies have the same size.
  text: 'texts, because each data set has its own vocabulary',
  table: 'tables, because each data set is standardised by its own numbers',
};

/** Lists at most four names, and the number of the others. */
function some(names: readonly string[]): string {
  const more = names.length - 4;
  return names.slice(0, 4).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
