import type { z } from 'zod';

/** What of a job says who learns from whom. */
interface Lineage {
  procedure: 'offline' | 'born_again' | 'mutual';
  generations?: number | undefined;
  teacher?: unknown;
  teachers: readonly { name: string }[];
  students: readonly { name: string; teacher?: string | string[] | undefined }[];
}

/** The names of a student's teachers as the job gives them; by default every teacher of the job. */
export function teachersOf(
  { teacher, teachers }: Pick<Lineage, 'teacher' | 'teachers'>,
  student: Lineage['students'][number],
): string[] {
  if (student.teacher !== undefined) return [student.teacher].flat();
  return [...(teacher === undefined ? [] : ['teacher']), ...teachers.map(({ name }) => name)];
}

/** A student's name in a generation, counted from 1. */
export function generationName(name: string, generation: number): string {
  return `${name}-${generation}`;
}

export const defaultGenerations = 3;

/** Refuses a job whose networks cannot learn from each other as it says. */
export function checkLineage(spec: Lineage, context: z.RefinementCtx): void {
  const refuse = (path: (string | number)[], message: string) =>
    context.addIssue({ code: 'custom', path, message });
  if (spec.procedure !== 'born_again' && spec.generations !== undefined) {
    refuse(['generations'], 'is for the procedure born_again alone');
  }
  if (spec.procedure === 'mutual') checkPeers(spec, refuse);
  else if (spec.teacher === undefined) {
    refuse(['teacher'], 'is needed: only under the procedure mutual do students learn without one');
  } else checkTeachers(spec, refuse);
}

type Refuse = (path: (string | number)[], message: string) => void;

function checkPeers({ teacher, teachers, students }: Lineage, refuse: Refuse): void {
  const why = 'has no place here: under the procedure mutual the students teach each other';
  if (teacher !== undefined) refuse(['teacher'], why);
  if (teachers.length > 0) refuse(['teachers'], why);
  if (students.length < 2) refuse(['students'], 'must be two or more, to learn from each other');
  students.forEach((student, index) => {
    if (student.teacher !== undefined) refuse(['students', index, 'teacher'], why);
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
      if (named.indexOf(name) !== position) refuse(at(position), 'is named twice');
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

/** Whether a network learns from another, over any number of assistants; it does from itself. */
function learnsFrom(spec: Lineage, name: string, other: string, seen = new Set<string>()): boolean {
  if (name === other) return true;
  const student = spec.students.find((one) => one.name === name);
  if (student === undefined || seen.has(name)) return false;
  seen.add(name);
  return teachersOf(spec, student).some((next) => learnsFrom(spec, next, other, seen));
}
