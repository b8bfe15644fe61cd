import { type FieldError } from '@distillery/spec';
import { mapClasses, type Subject } from './class-map.ts';
import type { PlannedTeacher } from './layout.ts';
import type { Teacher } from './students.ts';
import type { TeacherFacts } from './subjects.ts';

/**
 * Plans a teacher of which only outputs are known: it has taps, but neither layers nor parameters that terms could read.
 *
 * @param fields receives an entry for each class that does not fit
 */
export function planBlackBox(
  teacher: Teacher,
  { classes = [], taps = {}, activations, normalization }: TeacherFacts,
  job: Subject,
  fields: FieldError[],
): PlannedTeacher {
  const subject = classes.length === 0 ? job : { ...job, classes };
  const { indices, errors } = mapClasses(job, subject, teacher.classMap);
  // Its inputs are those of the job, whatever they are.
  const wrong = errors.filter(({ path }) => path !== '/dataset');
  fields.push(...wrong.map((error) => ({ ...error, path: teacher.path + error.path })));
  const width = subject.classes.length;
  return {
    teacher,
    forward: () => {
      throw new RangeError(
        `${teacher.name} (${teacher.options.type}) gives outputs alone: its layers are not known`,
      );
    },
    plan: {
      inputShape: job.shape,
      outputShape: [width],
      parameters: [],
      parameterCount: 0,
      taps: { ...taps, logits: [width] },
      flops: 0,
      activations: activations ?? width,
    },
    ...(indices && { classMap: indices }),
    ...(normalization && { normalization }),
  };
}
