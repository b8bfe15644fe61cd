import { isAugmented } from '@distillery/datasets';
import {
  type Choice,
  defaultGenerations,
  digestOf,
  generationName,
  type Initial,
  type JobSpec,
  teachersOf,
  type Resources,
  type Training,
} from '@distillery/spec';
import type { TrainedOptions } from '@distillery/teachers';
import { labelsAlone } from '../method.ts';

/** A teacher of a job, with its training filled in where the job trains it. */
export interface Teacher {
  name: string;
  /** The options of its kind, as in the spec. */
  options: Choice;
  /** Absent for a teacher that the job does not train. */
  training?: Training;
  /** The teacher's own training settings in the spec, without those of the job. */
  given?: TrainedOptions['training'];
  /** Where its first weights come from; absent: random ones. */
  initial?: Initial;
  /** The data set that the teacher is trained on; absent: the job's. */
  dataset?: Choice<'source'>;
  classMap?: Record<string, string>;
  /** Its relative weight where several teachers are combined. */
  weight: number;
  /** A JSON pointer to the teacher in the spec. */
  path: string;
}

/** A student as it is trained: with its training filled in, and the control it is compared with. */
export interface Student {
  name: string;
  architecture: Choice;
  method: Choice[];
  training: Training;
  /** Where its first weights come from; absent: random ones. A control has its student's. */
  initial?: Initial;
  /** What its stages ask of a worker; absent: nothing. */
  resources?: Resources;
  /** Names of teachers, or of other students (its assistants); empty for controls and peers. */
  teachers: string[];
  combine: 'mean' | 'best';
  /** The name of its control; null for a control itself, and in a job without a baseline. */
  control: string | null;
  /** Its position in the spec's `students`; null for a control. */
  index: number | null;
}

/** The teachers of a job; empty where its students are peers. */
export function jobTeachers(spec: JobSpec): Teacher[] {
  const first = spec.teacher && {
    ...teacherOf(spec, spec.teacher),
    name: 'teacher',
    weight: 1,
    path: '/teacher',
  };
  const others = spec.teachers.map((teacher, index) => ({
    ...teacherOf(spec, teacher),
    name: teacher.name,
    weight: teacher.weight,
    path: `/teachers/${index}`,
  }));
  return first === undefined ? others : [first, ...others];
}

function teacherOf(spec: JobSpec, given: NonNullable<JobSpec['teacher']>) {
  const { type = 'trained', classMap } = given;
  const own = { options: { ...given, type }, ...(classMap !== undefined && { classMap }) };
  if (type !== 'trained') return own;
  const { training, dataset, initial } = given as unknown as TrainedOptions;
  return {
    ...own,
    training: { ...spec.training, ...defined(training) },
    given: training,
    ...(initial !== undefined && { initial }),
    ...(dataset !== undefined && { dataset }),
  };
}

/** The weight of a teacher among several; 1 for an assistant. */
export function weightOf(teachers: readonly Teacher[], name: string): number {
  return teachers.find((teacher) => teacher.name === name)?.weight ?? 1;
}

/** The teachers that a student is compared with, with their weights; for a control, the job's first teacher; none for peers. */
export function guidesOf(teachers: readonly Teacher[], student: Student): { name: string; weight: number }[] {
  const names = student.teachers.length > 0 ? student.teachers : teachers.slice(0, 1).map(({ name }) => name);
  return names.map((name) => ({ name, weight: weightOf(teachers, name) }));
}

/**
 * The students that a job trains: first the controls (one for each different architecture, training and first weights
 * among the students, with cross-entropy alone), then those of the spec; born-again ones with all their generations, each taught
 * by the one before (Furlanello et al., ICML 2018, arXiv:1805.04770).
 */
export function studentsOf(spec: JobSpec): Student[] {
  const controls = new Map<string, Student>();
  const students = spec.students.flatMap((student, index): Student[] => {
    const training = { ...spec.training, ...defined(student.training) };
    const { name, architecture, method, combine } = student;
    const initial = student.initial && { initial: student.initial };
    const asked = student.resources ?? spec.resources;
    const resources = asked && { resources: asked };
    const key = digestOf([architecture, training, initial ?? null]);
    if (spec.baseline && !controls.has(key)) {
      controls.set(key, {
        name: '',
        architecture,
        method: labelsAlone,
        training,
        ...initial,
        ...resources,
        teachers: [],
        combine,
        control: null,
        index: null,
      });
    }
    const control = spec.baseline ? key : null;
    const teachers = spec.procedure === 'mutual' ? [] : teachersOf(spec, student);
    const first = {
      name,
      architecture,
      method,
      training,
      ...initial,
      ...resources,
      teachers,
      combine,
      control,
      index,
    };
    if (spec.procedure !== 'born_again') return [first];
    return Array.from({ length: spec.generations ?? defaultGenerations }, (_, i) => ({
      ...first,
      name: generationName(name, i + 1),
      teachers: i === 0 ? teachers : [generationName(name, i)],
    }));
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

/** Whether a student learns from the others while they learn from it. */
export function isPeer({ procedure }: Pick<JobSpec, 'procedure'>, { index }: Student): boolean {
  return procedure === 'mutual' && index !== null;
}

/** A JSON pointer to a student in the spec; controls stand for all of them. */
export function pathOf({ index }: Student): string {
  return index === null ? '/students' : `/students/${index}`;
}

/** The number of different views of each image in a student's training; Infinity: every epoch has a new one. */
export function viewsOf({ augmentation, epochs }: Training): number {
  if (!isAugmented(augmentation)) return 1;
  const { views } = augmentation;
  return views === 'fresh' ? Infinity : Math.min(views, epochs);
}

/** Whether every epoch of a student has a new view, so that its teachers run in the training loop. */
export function isFresh(training: Training): boolean {
  return viewsOf(training) === Infinity;
}

/**
 * Whether an outputs stage scores a teacher on the job's test images, because the job does not train it, or trains it on other
 * data.
 */
export function isScored({ training, dataset }: Teacher): boolean {
  return training === undefined || dataset !== undefined;
}

/** `control` when there is one, else `control-<architecture>`, with a number where two have the same architecture. */
function controlNames(controls: readonly Student[]): string[] {
  if (controls.length === 1) return ['control'];
  const seen = new Map<string, number>();
  return controls.map(({ architecture: { type } }) => {
    const count = (seen.get(type) ?? 0) + 1;
    seen.set(type, count);
    return count === 1 ? `control-${type}` : `control-${type}-${count}`;
  });
}

function defined<T extends object>(fields: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
