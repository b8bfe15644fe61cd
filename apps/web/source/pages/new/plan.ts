/** What the page reads of the plan that `POST /v1/jobs/validate` answers. */
export interface Plan {
  dataset: {
    source: string;
    classes: string[];
    shape: number[];
    train: number;
    validation: number;
    test: number;
  };
  teachers: PlannedNetwork[];
  students: (PlannedNetwork & { teachers: string[]; control: string | null; terms: PlannedTerm[] })[];
  stages: { id: string; kind: string; seconds?: number }[];
  estimate: { memoryBytes: number; outputsBytes: number; seconds: number | null };
  warnings: string[];
}

interface PlannedNetwork {
  name: string;
  architecture: string;
  parameters: number;
  taps: Record<string, number[]>;
}

interface PlannedTerm {
  name: string;
  student: string[];
  teacher: string[];
  projectors: { name: string; parameters: number }[];
}

/** The parameters that the terms of a student train beside it. */
export const projectorParameters = ({ terms }: { terms: PlannedTerm[] }): number =>
  terms.flatMap(({ projectors }) => projectors).reduce((sum, { parameters }) => sum + parameters, 0);

/** The taps that the terms of a student read, with the shapes on both sides. */
export function tapPairs(
  student: Plan['students'][number],
  teachers: Plan['teachers'],
): { term: string; tap: string; student: string; teacher: string }[] {
  const shape = (network: PlannedNetwork | undefined, tap: string | undefined) =>
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
