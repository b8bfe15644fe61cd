import type { Forward, NetworkPlan } from '@distillery/engine';
import type { Choice } from '@distillery/spec';
import type { PlannedInitial } from '../initial/plan-initial.ts';
import { type Ensemble, tapOf, tapsBehind } from '../ensemble.ts';
import { type Extended, teacherTaps, type WeightedTerm } from '../method.ts';
import { isFresh, type Student, type Teacher, weightOf } from './students.ts';
import type { TeacherFacts } from './subjects.ts';

/** An architecture bound to its data, without weights. */
export interface BoundNetwork {
  forward: Forward;
  plan: NetworkPlan;
}

export type PlannedTeacher = BoundNetwork & {
  teacher: Teacher;
  /** Absent for a teacher of which only outputs are known. */
  architecture?: Choice;
  /** Its first weights; absent: random ones. */
  initial?: PlannedInitial;
  /** How the teacher's images are normalised; absent: as the job's data. */
  normalization?: TeacherFacts['normalization'];
  /** For each class of the job the index of the teacher's class; absent where both have the same classes. */
  classMap?: number[];
};

export type PlannedStudent = BoundNetwork &
  Pick<Extended, 'inherited'> & {
    student: Student;
    /** Its first weights; absent: random ones. */
    initial?: PlannedInitial;
    method: WeightedTerm[];
    classMap?: undefined;
  };

/** All networks of a job with their shapes, and the students' methods bound to the taps. */
export interface Layout {
  teachers: PlannedTeacher[];
  students: PlannedStudent[];
}

/**
 * A network of the job by its name, teacher or student.
 *
 * @throws Error when there is none, which the spec's own check rules out
 */
export function networkOf(layout: Layout, name: string): PlannedTeacher | PlannedStudent {
  const found = indexOf(layout).networks.get(name);
  if (found === undefined) throw new Error(`the job has no network ${name}`);
  return found;
}

/** The students that learn from a network, in their order in the layout. */
export function learnersOf(layout: Layout, teacher: string): readonly PlannedStudent[] {
  return indexOf(layout).learners.get(teacher) ?? [];
}

interface LayoutIndex {
  networks: Map<string, PlannedTeacher | PlannedStudent>;
  /** The students that learn from each network. */
  learners: Map<string, PlannedStudent[]>;
}

/** Planning asks for networks and learners once per network, so searching the lists each time would be quadratic. */
const indexes = new WeakMap<Layout, LayoutIndex>();

function indexOf(layout: Layout): LayoutIndex {
  const known = indexes.get(layout);
  if (known !== undefined) return known;
  const index: LayoutIndex = { networks: new Map(), learners: new Map() };
  for (const planned of layout.students) {
    index.networks.set(planned.student.name, planned);
    for (const teacher of planned.student.teachers) {
      const learners = index.learners.get(teacher);
      if (learners === undefined) index.learners.set(teacher, [planned]);
      else learners.push(planned);
    }
  }
  for (const planned of layout.teachers) index.networks.set(planned.teacher.name, planned);
  indexes.set(layout, index);
  return index;
}

/**
 * The taps that a student reads from one of its teachers.
 *
 * @param read the taps of all teachers together. Default: those that the student's method reads
 */
export function tapsFrom(
  layout: Layout,
  student: PlannedStudent,
  teacher: string,
  read: readonly string[] = teacherTaps(student.method),
): string[] {
  const ensemble = ensembleOf(layout, student);
  if (ensemble === undefined) return student.student.teachers.includes(teacher) ? [...read] : [];
  const prefix = tapOf(teacher, '');
  return tapsBehind(read, ensemble)
    .filter((tap) => tap.startsWith(prefix))
    .map((tap) => tap.slice(prefix.length));
}

/**
 * The teachers that run in a student's training loop; none where their outputs are stored.
 *
 * @param read as for `tapsFrom`
 */
export function teachersInLoop(layout: Layout, student: PlannedStudent, read?: readonly string[]) {
  const { teachers, training } = student.student;
  if (!isFresh(training)) return [];
  const names = teachers.filter((name) => tapsFrom(layout, student, name, read).length > 0);
  return names.map((name) => networkOf(layout, name));
}

/** A student's teachers and their weights in the combined logits; undefined for a student with at most one teacher. */
export function ensembleOf({ teachers }: Layout, { student }: PlannedStudent): Ensemble | undefined {
  const { teachers: names, combine } = student;
  if (names.length < 2) return undefined;
  const known = teachers.map(({ teacher }) => teacher);
  const weights = names.map((name) => weightOf(known, name));
  return { names, weights, combine };
}
