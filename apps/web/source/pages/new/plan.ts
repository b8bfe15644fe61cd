import type { Plan } from '@distillery/spec';

type Student = Plan['students'][number];

/** The parameters that the terms of a student train beside it. */
export const projectorParameters = ({ terms }: Student): number =>
  terms.flatMap(({ projectors }) => projectors).reduce((sum, { parameters }) => sum + parameters, 0);

/** The taps that the terms of a student read, with the shapes on both sides. */
export function tapPairs(
  student: Student,
  teachers: Plan['teachers'],
): { term: string; tap: string; student: string; teacher: string }[] {
  const shape = (network: Pick<Student, 'taps'> | undefined, tap: string | undefined) =>
    tap === undefined ? '–' : (network?.taps[tap]?.join(' × ') ?? tap);
  const teacher = teachers.find(({ name }) => student.teachers.includes(name)) ?? teachers[0];
  return student.terms.flatMap(({ name, student: own, teacher: others }) =>
    own.map((tap, i) => ({
      term: name,
      tap,
      student: shape(student, tap),
      teacher: shape(teacher, others[i]),
    })),
  );
}
