import type { FieldError } from '@distillery/spec';

/** Images or texts and their classes, as a network that is trained on them sees them. */
export interface Subject {
  /** `[height, width, channels]`, `[length]` */
  shape: number[];
  /** Of texts. */
  vocabulary?: number | undefined;
  classes: string[];
}

/**
 * Brings a teacher's classes to those of the job.
 *
 * @param classMap the job's classes → the teacher's
 * @returns for each class of the job the index of the teacher's, undefined where both have the same ones in the same
 *   order; or why there is none, with paths within the teacher
 */
export function mapClasses(
  job: Subject,
  teacher: Subject,
  classMap: Readonly<Record<string, string>> | undefined,
): { indices?: number[]; errors: FieldError[] } {
  const errors: FieldError[] = [];
  if (job !== teacher && (job.vocabulary ?? teacher.vocabulary) !== undefined) {
    // Ids mean other words there, however many there are.
    const message = 'cannot be had with texts: a vocabulary belongs to its data set; leave it out';
    errors.push({ path: '/dataset', message });
  } else if (`${job.shape}` !== `${teacher.shape}`) {
    const message = `has images of [${teacher.shape}], those of the job are [${job.shape}]`;
    errors.push({ path: '/dataset', message });
  }
  const same = job.classes.join('\n') === teacher.classes.join('\n');
  if (classMap === undefined) {
    if (same) return { errors };
    const message =
      `is needed, from each class of the job to one of the teacher: the teacher's classes ` +
      `(${some(teacher.classes)}) are not those of the job (${some(job.classes)}) in the same order`;
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
        message: 'is missing: every class of the job needs one',
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
      errors.push({ path, message: `is what ${other} is mapped to already`, value: theirs });
    } else taken.set(theirs, name);
    return index;
  });
  return { indices, errors };
}

/** At most four names, and how many more there are. */
function some(names: readonly string[]): string {
  const more = names.length - 4;
  return names.slice(0, 4).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/**
 * The columns of some classes.
 *
 * @param logits `[count, classes]`, row-major
 * @returns `[count, indices.length]`
 */
export function columns(logits: Float32Array, classes: number, indices: readonly number[]): Float32Array {
  const count = logits.length / classes;
  const out = new Float32Array(count * indices.length);
  for (let row = 0; row < count; row++) {
    indices.forEach((from, to) => {
      out[row * indices.length + to] = logits[row * classes + from];
    });
  }
  return out;
}
