import type { Curve, JobView, StageView } from '@distillery/spec';
import type { Network } from '../../components/mark.tsx';
import { rolesOf } from '../../results/networks.ts';

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

/** Reads the networks of a job, and which control each is compared with, from its stages. */
export function networksOf({ stages }: Pick<JobView, 'stages'>): JobNetworks {
  const training = stages.filter(trainsStudents);
  const networks = new Map(
    training.flatMap((stage) => stage.networks.map((one) => [one.name, one] as const)),
  );
  const students = [...networks.keys()];
  const teachers = unique(stages.filter(({ kind }) => kind === 'teacher').flatMap(namesOf));
  const roles = rolesOf(students, teachers);
  const controlOf = (name: string) => networks.get(name)?.control ?? undefined;
  return {
    students,
    teachers,
    seeds: uniqueNumbers(training.flatMap(({ seed }) => (seed === null ? [] : [seed]))),
    roleOf: (name) => roles.get(name) ?? { role: 'control' },
    stagesOf: (name) => training.filter((stage) => namesOf(stage).includes(name)),
    controlOf,
    alongWith: (name) => {
      const control = controlOf(name);
      return [...teachers, ...(control === undefined ? [] : [control])];
    },
  };
}

/** Whether a stage trains students: one, or several that teach each other. */
export const trainsStudents = ({ kind }: Pick<StageView, 'kind'>): boolean =>
  kind === 'student' || kind === 'mutual';

/** The names of the networks of a stage. */
export const namesOf = ({ networks }: Pick<StageView, 'networks'>): string[] =>
  networks.map(({ name }) => name);

/**
 * The curves of one network in a stage, by the names that they have where a stage trains one network: a stage that trains
 * several writes the name of a network before those of its values, such as `small/validation_accuracy`. What has no
 * network's name belongs to all of them.
 */
export function curvesOf(curves: readonly Curve[], { id, networks }: CurveStage, network: string): Curve[] {
  return curves.flatMap((curve) => {
    const name = curve.stage === id ? ownName(curve, networks, network) : undefined;
    return name === undefined ? [] : [name === curve.name ? curve : { ...curve, name }];
  });
}

/** Finds a curve of one network in a stage by its name there. */
export function curveOf(
  curves: readonly Curve[],
  { id, networks }: CurveStage,
  network: string,
  value: string,
): Curve | undefined {
  const found = curves.find(
    ({ stage, name }) => stage === id && ownName({ name }, networks, network) === value,
  );
  return found && { ...found, name: value };
}

type CurveStage = Pick<StageView, 'id' | 'networks'>;

/** The name of a curve where it is one network's; undefined for a curve of another network. */
function ownName(
  { name }: Pick<Curve, 'name'>,
  networks: StageView['networks'],
  network: string,
): string | undefined {
  if (networks.length < 2 || !name.includes('/')) return name;
  // The means of an epoch are `epoch_small/cross_entropy`.
  const before = ['', 'epoch_'].find((prefix) => name.startsWith(`${prefix}${network}/`));
  return before === undefined ? undefined : `${before}${name.slice(name.indexOf('/') + 1)}`;
}

const unique = (names: readonly string[]): string[] => [...new Set(names)];
const uniqueNumbers = (values: readonly number[]): number[] => [...new Set(values)].sort((a, b) => a - b);
