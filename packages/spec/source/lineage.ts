import type { z } from 'zod';

/** The part of a job spec that determines which networks learn from which. */
interface Lineage {
  procedure: 'offline' | 'born_again' | 'mutual';
  generations?: number | undefined;
  until?: number | undefined;
  teacher?: unknown;
  teachers: readonly { name: string }[];
  students: readonly { name: string; teacher?: string | string[] | undefined; resources?: unknown }[];
}

/** Returns the names of a student's teachers. They default to every teacher of the job. */
export function teachersOf(
  { teacher, teachers }: Pick<Lineage, 'teacher' | 'teachers'>,
  student: Lineage['students'][number],
): string[] {
  if (student.teacher !== undefined) return [student.teacher].flat();
  return [...(teacher === undefined ? [] : ['teacher']), ...teachers.map(({ name }) => name)];
}

/** Returns the name of a student's generation, counted from 1. */
export function generationName(name: string, generation: number): string {
  return `${name}-${generation}`;
}

export const defaultGenerations = 3;

/**
 * Adds an issue for each teacher that a network cannot learn from, and for each setting that the procedure excludes.
 */
export function checkLineage(spec: Lineage, context: z.RefinementCtx): void {
  const refuse = (path: (string | number)[], message: string) =>
    context.addIssue({ code: 'custom', path, message });
  if (spec.procedure !== 'born_again' && spec.generations !== undefined) {
    refuse(['generations'], 'is only allowed with the procedure born_again');
  }
  const alone = spec.procedure === 'offline' && !spec.students.some(({ name }) => teaches(spec, name));
  if (spec.until !== undefined && !alone) {
    refuse(['until'], 'is only allowed with the procedure offline, where no student teaches another');
  }
  if (spec.procedure === 'mutual') checkPeers(spec, refuse);
  else if (spec.teacher === undefined) {
    refuse(['teacher'], 'is required, except with the procedure mutual');
  } else checkTeachers(spec, refuse);
}

function teaches(spec: Lineage, name: string): boolean {
  return spec.students.some((student) => teachersOf(spec, student).includes(name));
}

type Refuse = (path: (string | number)[], message: string) => void;

function checkPeers({ teacher, teachers, students }: Lineage, refuse: Refuse): void {
  const why = 'is not allowed with the procedure mutual, in which the students teach each other';
  if (teacher !== undefined) refuse(['teacher'], why);
  if (teachers.length > 0) refuse(['teachers'], why);
  if (students.length < 2) refuse(['students'], 'must be at least two for the procedure mutual');
  students.forEach((student, index) => {
    if (student.teacher !== undefined) refuse(['students', index, 'teacher'], why);
    if (student.resources !== undefined) {
      refuse(
        ['students', index, 'resources'],
        'is not allowed with the procedure mutual: one stage trains all students, so the job has `resources`',
      );
    }
  });
}

function checkTeachers(spec: Lineage, refuse: Refuse): void {
  const { procedure, teachers, students, generations = defaultGenerations } = spec;
  const teacherNames = ['teacher', ...teachers.map(({ name }) => name)];
  const studentNames = students.map(({ name }) => name);
  const bornAgain = procedure === 'born_again';
  const known = bornAgain ? teacherNames : [...teacherNames, ...studentNames];
  teachers.forEach(({ name }, index) => {
    if (studentNames.includes(name)) refuse(['teachers', index, 'name'], 'is the name of a student');
  });
  students.forEach((student, index) => {
    const named = student.teacher === undefined ? [] : [student.teacher].flat();
    const at = (position: number) => [
      'students',
      index,
      'teacher',
      ...(Array.isArray(student.teacher) ? [position] : []),
    ];
    named.forEach((name, position) => {
      if (named.indexOf(name) !== position) refuse(at(position), 'is listed twice');
      else if (!known.includes(name)) refuse(at(position), `must be one of: ${known.join(', ')}`);
      else if (learnsFrom(spec, name, student.name)) {
        refuse(at(position), `would make ${student.name} learn from itself`);
      }
    });
    if (!bornAgain) return;
    for (let generation = 1; generation <= generations; generation++) {
      const name = generationName(student.name, generation);
      if ([...studentNames, ...teacherNames].includes(name)) {
        refuse(['students', index, 'name'], `has a generation ${name}, which is the name of another network`);
      }
    }
  });
}

/** Whether a network learns from another, directly or through assistants. A network counts as learning from itself. */
function learnsFrom(spec: Lineage, name: string, other: string, seen = new Set<string>()): boolean {
  if (name === other) return true;
  const student = spec.students.find((one) => one.name === name);
  if (student === undefined || seen.has(name)) return false;
  seen.add(name);
  return teachersOf(spec, student).some((next) => learnsFrom(spec, next, other, seen));
}
