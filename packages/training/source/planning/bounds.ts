import { defaultGenerations, type FieldError, type JobSpec } from '@distillery/spec';
import { isFresh, isPeer, isScored, jobTeachers, studentsOf } from './students.ts';

/** The limits of one job. A job beyond them is refused before it is queued. */
export interface Bounds {
  /** The stages of the job. */
  stages: number;
  /** The terms of all students that train together, each repeated for every peer. */
  peerTerms: number;
  /** The parameters of one network. */
  parameters: number;
  /** The estimated memory of one trainer, in bytes. */
  memoryBytes: number;
  /** The bytes of a job's stored teacher outputs. */
  outputsBytes: number;
  /** The estimated floating-point operations of the whole job. */
  work: number;
}

/**
 * More stages than 64 students with 32 seeds and one control have; the memory and disk of a large machine; about a year of
 * a large GPU.
 */
export const defaultBounds: Bounds = {
  stages: 2500,
  peerTerms: 10_000,
  parameters: 1e9,
  memoryBytes: 256 * 2 ** 30,
  outputsBytes: 2 ** 40,
  work: 1e21,
};

/**
 * Returns an entry for each bound that a spec exceeds whatever its networks are, so that nothing is planned for it. Stages
 * are the students' and controls' runs, the stored outputs of those that teach, the teachers, and the report. Auxiliary
 * networks are not known yet; `beyond` counts all stages.
 */
export function beyondAtOnce(spec: JobSpec, { stages, peerTerms }: Bounds): FieldError[] {
  if (spec.procedure === 'mutual') {
    const each = spec.students.reduce((sum, { method }) => sum + method.length, 0);
    const terms = each * (spec.students.length - 1);
    const subject = 'the students that train together would have';
    const over = refusal('/students', subject, 'terms, each repeated for every peer', terms, peerTerms);
    if (over.length > 0) return over;
  }
  return overStages(spec, stagesOf(spec), stages);
}

function stagesOf(spec: JobSpec): number {
  const students = studentsOf(spec);
  const stored = new Set(
    students.filter(({ training }) => !isFresh(training)).flatMap(({ teachers }) => teachers),
  );
  const runs = students.filter((student) => !isPeer(spec, student)).length;
  const taught = students.filter(({ name }) => stored.has(name)).length;
  const together = spec.procedure === 'mutual' ? 1 : 0;
  const ofTeachers = jobTeachers(spec).flatMap((teacher) => [
    ...(teacher.training === undefined ? [] : ['teacher']),
    ...(stored.has(teacher.name) || isScored(teacher) ? ['outputs'] : []),
  ]).length;
  return (runs + taught + together) * spec.seeds.length + ofTeachers + 1;
}

/** Names the largest factor of the number of stages, which is the one to lower. */
function overStages(spec: JobSpec, stages: number, maximum: number): FieldError[] {
  if (stages <= maximum) return [];
  const { seeds, students, procedure, generations = defaultGenerations } = spec;
  const factors = [
    { path: '/students', count: students.length, what: 'students' },
    ...(procedure === 'born_again'
      ? [{ path: '/generations', count: generations, what: 'generations' }]
      : []),
    { path: '/seeds', count: seeds.length, what: 'seeds' },
  ];
  const { path } = factors.reduce((largest, one) => (one.count > largest.count ? one : largest));
  const product = factors.map(({ count, what }) => `${count} ${what}`).join(' × ');
  return [
    {
      path,
      message: `the job would have ${stages} stages (${product}), more than the limit of ${maximum}`,
      value: stages,
      allowed: { maximum },
    },
  ];
}

interface Demand extends Omit<Bounds, 'parameters' | 'peerTerms'> {
  spec: JobSpec;
  /** The size of each network, with a JSON pointer to its architecture. */
  networks: readonly { path: string; parameters: number }[];
}

/** Returns an entry for each bound that a job exceeds. */
export function beyond(demand: Demand, bounds: Bounds): FieldError[] {
  return [
    ...overStages(demand.spec, demand.stages, bounds.stages),
    ...demand.networks.flatMap(({ path, parameters }) =>
      refusal(path, 'the network has', 'parameters', parameters, bounds.parameters),
    ),
    ...refusal(
      '/training/batchSize',
      'the largest trainer would need',
      'bytes of memory',
      demand.memoryBytes,
      bounds.memoryBytes,
    ),
    ...refusal(
      '/students',
      'the stored teacher outputs would need',
      'bytes',
      demand.outputsBytes,
      bounds.outputsBytes,
    ),
    ...refusal(
      '/training/epochs',
      'the job would need',
      'floating-point operations',
      demand.work,
      bounds.work,
    ),
  ];
}

function refusal(path: string, subject: string, unit: string, value: number, maximum: number): FieldError[] {
  // Written so that NaN fails too.
  if (value <= maximum) return [];
  const message = `${subject} ${amount(value)} ${unit}, more than the limit of ${amount(maximum)}`;
  return [{ path, message, value, allowed: { maximum } }];
}

function amount(value: number): string {
  return value < 1e6 ? String(value) : value.toExponential(1).replace('e+', 'e');
}
