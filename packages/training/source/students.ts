import { digestOf, type Choice, type JobSpec, type Training } from '@distillery/spec';
import { labelsAlone } from './method.ts';

/** A student as it is trained: with its training filled in, and the control it is held against. */
export interface Student {
  name: string;
  architecture: Choice;
  method: Choice[];
  training: Training;
  /** Name of its control; null for a control itself and without a baseline. */
  control: string | null;
  /** Where it stands in the spec; null for a control. */
  index: number | null;
}

/**
 * The students that a job trains: first the controls (one for each different architecture and training among the
 * students, with cross-entropy alone), then those of the spec.
 */
export function studentsOf(spec: JobSpec): Student[] {
  const controls = new Map<string, Student>();
  const students = spec.students.map((student, index): Student => {
    const training = { ...spec.training, ...defined(student.training) };
    const key = digestOf([student.architecture, training]);
    if (spec.baseline && !controls.has(key)) {
      controls.set(key, {
        name: '',
        architecture: student.architecture,
        method: labelsAlone,
        training,
        control: null,
        index: null,
      });
    }
    return { ...student, training, control: spec.baseline ? key : null, index };
  });
  const names = controlNames([...controls.values()]);
  [...controls.values()].forEach((control, index) => {
    control.name = names[index];
  });
  for (const student of students) {
    if (student.control !== null) student.control = controls.get(student.control)?.name ?? null;
  }
  return [...controls.values(), ...students];
}

/** `control` when there is one, else `control-<architecture>`, numbered where that is not enough. */
function controlNames(controls: readonly Student[]): string[] {
  if (controls.length === 1) return ['control'];
  const seen = new Map<string, number>();
  return controls.map(({ architecture: { type } }) => {
    const count = (seen.get(type) ?? 0) + 1;
    seen.set(type, count);
    return count === 1 ? `control-${type}` : `control-${type}-${count}`;
  });
}

/** How the teacher is trained. */
export function teacherTraining(spec: JobSpec): Training {
  return { ...spec.training, ...defined(spec.teacher.training) };
}

function defined<T extends object>(fields: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
