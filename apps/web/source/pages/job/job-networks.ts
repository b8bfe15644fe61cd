import type { JobView, Report, StageView } from '@distillery/spec';
import type { Network } from '../../components/mark.tsx';
import { isControl, rolesOf } from '../../results/networks.ts';

/** The networks of a job: their marks, their stages, and which of them belong together. */
export interface JobNetworks {
  /** The names of the students and controls, controls first within each group as far as that is known. */
  students: string[];
  teachers: string[];
  seeds: number[];
  roleOf: (name: string) => Network;
  /** The stages that train a student, by seed. */
  stagesOf: (name: string) => StageView[];
  controlOf: (name: string) => string | undefined;
  /** The networks that stay in sight while one is looked at. */
  alongWith: (name: string) => string[];
}

/** Reads the networks of a job from its stages, and who is compared with whom from its report once it is there. */
export function networksOf({ stages }: Pick<JobView, 'stages'>, report?: Report): JobNetworks {
  const trains = (kind: string) => stages.filter((stage) => stage.kind === kind && stage.network !== null);
  const students = unique(trains('student').map(({ network }) => network ?? ''));
  const teachers = unique(trains('teacher').map(({ network }) => network ?? ''));
  const roles = rolesOf(students, teachers);
  const controls = students.filter(isControl);
  const controlOf = (name: string) => {
    if (isControl(name)) return undefined;
    const known = report?.students.find((student) => student.name === name);
    if (known !== undefined) return known.control ?? undefined;
    // Before the report only a single control says for sure whose it is.
    return controls.length === 1 ? controls[0] : undefined;
  };
  return {
    students,
    teachers,
    seeds: uniqueNumbers(trains('student').flatMap(({ seed }) => (seed === null ? [] : [seed]))),
    roleOf: (name) => roles.get(name) ?? { role: 'control' },
    stagesOf: (name) => stages.filter(({ kind, network }) => kind === 'student' && network === name),
    controlOf,
    alongWith: (name) => {
      const control = controlOf(name);
      return [...teachers, ...(control === undefined ? [] : [control])];
    },
  };
}

const unique = (names: readonly string[]): string[] => [...new Set(names)];
const uniqueNumbers = (values: readonly number[]): number[] => [...new Set(values)].sort((a, b) => a - b);
