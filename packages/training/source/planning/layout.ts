import type { Forward, NetworkPlan } from '@distillery/engine';
import { architectures, bind } from '@distillery/models';
import { type Choice, DistilleryError, digestOf, type FieldError, type JobSpec } from '@distillery/spec';
import { mapClasses, type Subject } from './class-map.ts';
import { type BoundPlan, type Ensemble, ensemblePlan, tapOf, tapsBehind } from '../ensemble.ts';
import {
  bindMethod,
  type Extended,
  extendStudent,
  MethodError,
  teacherTaps,
  type WeightedTerm,
} from '../method.ts';
import { bindPeer } from '../peers.ts';
import { pretrainedOf } from '../pretraining.ts';
import { jobTeachers, type Student, studentsOf, type Teacher, weightOf } from './students.ts';
import type { TeacherFacts } from './subjects.ts';
import { tracedWithTaps, withoutGradientTap } from '../taps.ts';

/** A network before it has weights. */
interface Drawn {
  forward: Forward;
  plan: NetworkPlan;
}

export type LaidTeacher = Drawn & {
  teacher: Teacher;
  architecture: Choice;
  /** The normalisation that its images need, where that is not the one of the job's data. */
  normalization?: TeacherFacts['normalization'];
  /** For each class of the job the teacher's, where they differ. */
  classMap?: number[];
};
export type LaidStudent = Drawn &
  Pick<Extended, 'inherited'> & { student: Student; method: WeightedTerm[]; classMap?: undefined };

/** Every network of a job with its shapes, every method with its taps. */
export interface Layout {
  teachers: LaidTeacher[];
  students: LaidStudent[];
}

/** What the networks of a job are trained on. */
export interface Subjects {
  job: Subject;
  /** What is known of each teacher, by name. */
  teachers: Record<string, TeacherFacts>;
}

/**
 * @param bfloat16Refusal why no worker trains in bfloat16
 * @throws DistilleryError `invalid_spec` with every field that does not fit
 */
export function layOut(spec: JobSpec, subjects: Subjects, bfloat16Refusal?: string): Layout {
  const fields: FieldError[] = [];
  const draw = (
    path: string,
    choice: Choice,
    { shape, classes, vocabulary } = subjects.job,
  ): Drawn | undefined => {
    try {
      const task = { classes: classes.length, vocabulary };
      const forward = bind(architectures.get(choice.type), choice, task);
      return { forward, plan: tracedWithTaps(forward, shape) };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      fields.push({
        path,
        message: `does not fit ${vocabulary === undefined ? 'images' : 'texts'} of [${shape}]: ${error.message}`,
        value: choice,
      });
      return undefined;
    }
  };
  const teachers = jobTeachers(spec).flatMap((teacher) => {
    const { subject = subjects.job, architecture, normalization } = subjects.teachers[teacher.name];
    const { indices, errors } = mapClasses(subjects.job, subject, teacher.classMap);
    // A teacher that the job trains names its architecture and data; of another kind they belong to what it names.
    const own = teacher.training === undefined ? `${teacher.path}/weights` : undefined;
    fields.push(
      ...errors.map((error) => ({
        ...error,
        path: own !== undefined && error.path === '/dataset' ? own : teacher.path + error.path,
      })),
    );
    const drawn = draw(own ?? `${teacher.path}/architecture`, architecture, subject);
    if (drawn === undefined) return [];
    const more = { ...(indices && { classMap: indices }), ...(normalization && { normalization }) };
    return [{ ...drawn, teacher, architecture, ...more }];
  });
  const drawn = studentsOf(spec).flatMap((student) => {
    const network = draw(`${pathOf(student)}/architecture`, student.architecture);
    if (network === undefined) return [];
    // Of networks side by side there is no gradient by the input of one alone.
    const plan = isPeer(spec, student) ? withoutGradientTap(network.plan) : network.plan;
    return [{ forward: network.forward, plan, student }];
  });
  checkTrainings(spec, bfloat16Refusal, subjects.job.vocabulary === undefined, fields);
  if (spec.procedure === 'mutual') checkPeers(drawn, fields);
  refuse(fields);

  const extended = extendAll(teachers, drawn, fields);
  const plans = new Map<string, BoundPlan>([
    ...teachers.map((laid) => [laid.teacher.name, said(laid)] as const),
    ...[...extended].map(([name, { plan }]) => [name, plan] as const),
  ]);
  const peers = Object.fromEntries(
    drawn.filter(({ student }) => isPeer(spec, student)).map(({ student, plan }) => [student.name, plan]),
  );
  const students = drawn.flatMap(({ student }) => {
    const own = extended.get(student.name);
    if (own === undefined) return [];
    const { method: choices, ...network } = own;
    try {
      const method = isPeer(spec, student)
        ? bindPeer(student.name, choices, peers)
        : bindMethod(choices, network.plan, teacherPlan(student, plans));
      if (isPeer(spec, student) && pretrainedOf({ student, method }).length > 0) {
        const message = 'looks at teachers that have ended: peers are trained together';
        fields.push({ path: `${pathOf(student)}/method`, message });
      }
      return [{ student, ...network, method }];
    } catch (error) {
      if (!(error instanceof MethodError)) throw error;
      fields.push({ path: `${pathOf(student)}/method${error.path}`, ...fieldOf(error) });
      return [];
    }
  });
  refuse(fields);
  return { teachers, students };
}

/** A student that learns from the others while they learn from it. */
export function isPeer({ procedure }: Pick<JobSpec, 'procedure'>, { index }: Student): boolean {
  return procedure === 'mutual' && index !== null;
}

/**
 * A network of the job by its name, teacher or student.
 *
 * @throws Error when there is none, which the spec's own check rules out
 */
export function networkOf({ teachers, students }: Layout, name: string): LaidTeacher | LaidStudent {
  const found =
    teachers.find(({ teacher }) => teacher.name === name) ??
    students.find(({ student }) => student.name === name);
  if (found === undefined) throw new Error(`the job has no network ${name}`);
  return found;
}

/** The taps that a student reads of one of its teachers. */
export function tapsFrom(layout: Layout, student: LaidStudent, teacher: string): string[] {
  const read = teacherTaps(student.method);
  const ensemble = ensembleOf(layout, student);
  if (ensemble === undefined) return student.student.teachers.includes(teacher) ? read : [];
  const own = tapOf(teacher, '');
  return tapsBehind(read, ensemble)
    .filter((tap) => tap.startsWith(own))
    .map((tap) => tap.slice(own.length));
}

/** Several teachers of a student, as they speak together; undefined where it has one, or none. */
export function ensembleOf({ teachers }: Layout, { student }: LaidStudent): Ensemble | undefined {
  const { teachers: names, combine } = student;
  if (names.length < 2) return undefined;
  const known = teachers.map(({ teacher }) => teacher);
  const weights = names.map((name) => weightOf(known, name));
  return { names, weights, combine };
}

/**
 * The students' networks as their methods make them, by name; without those that do not fit, and those that learn from
 * such. Teachers come first: what a student takes over is of the network that its teacher has become.
 */
function extendAll(
  teachers: readonly LaidTeacher[],
  drawn: readonly (Drawn & { student: Student })[],
  fields: FieldError[],
): Map<string, Extended> {
  const networks = new Map<string, Drawn>(
    teachers.map((laid) => [
      laid.teacher.name,
      { forward: laid.forward, plan: { ...laid.plan, ...said(laid) } },
    ]),
  );
  const extended = new Map<string, Extended>();
  const seen = new Set<string>();
  const visit = ({ student, ...own }: (typeof drawn)[number]) => {
    const { name, method } = student;
    if (seen.has(name)) return;
    seen.add(name);
    for (const other of drawn) if (student.teachers.includes(other.student.name)) visit(other);
    const known = student.teachers.map((teacher) => networks.get(teacher) ?? extended.get(teacher));
    if (known.includes(undefined)) return;
    try {
      extended.set(name, extendStudent(method, own, known.length === 1 ? known[0] : undefined));
    } catch (error) {
      if (!(error instanceof MethodError)) throw error;
      fields.push({ path: `${pathOf(student)}/method${error.path}`, ...fieldOf(error) });
    }
  };
  drawn.forEach(visit);
  return extended;
}

/** A teacher as terms see it: with the job's classes. Its classifier has others, and none of its parameters fit then. */
function said({ plan, classMap }: LaidTeacher): BoundPlan {
  if (classMap === undefined) return plan;
  return { taps: { ...withoutGradientTap(plan).taps, logits: [classMap.length] }, parameters: [] };
}

function teacherPlan({ teachers }: Student, plans: ReadonlyMap<string, BoundPlan>): BoundPlan {
  const own = teachers.map((name) => plans.get(name) as BoundPlan);
  if (own.length === 0) return { taps: {}, parameters: [] };
  return own.length === 1 ? own[0] : ensemblePlan(teachers, own);
}

/** A JSON pointer to a student; controls are of all of them. */
export function pathOf({ index }: Student): string {
  return index === null ? '/students' : `/students/${index}`;
}

/** Each field once: generations of a student share theirs. */
function refuse(fields: FieldError[]): void {
  if (fields.length === 0) return;
  const different = new Map(fields.map((field) => [`${field.path} ${field.message}`, field]));
  throw new DistilleryError('invalid_spec', 'the parts of the job do not fit each other', {
    fields: [...different.values()],
  });
}

function fieldOf({ message, value, allowed }: MethodError): Omit<FieldError, 'path'> {
  return {
    message,
    ...(value === undefined ? {} : { value }),
    ...(allowed === undefined ? {} : { allowed }),
  };
}

function checkTrainings(
  spec: JobSpec,
  bfloat16Refusal: string | undefined,
  images: boolean,
  fields: FieldError[],
): void {
  const trainings = [
    ['/training', spec.training],
    ...jobTeachers(spec).flatMap(({ path, given }) => (given ? [[`${path}/training`, given] as const] : [])),
    ...spec.students.map(({ training }, index) => [`/students/${index}/training`, training] as const),
  ] as const;
  for (const [path, { optimizer, precision, augmentation }] of trainings) {
    if (optimizer?.type === 'sgd' && optimizer.nesterov && optimizer.momentum === 0) {
      fields.push({ path: `${path}/optimizer/nesterov`, message: 'needs a momentum above 0', value: true });
    }
    if (!images && augmentation !== undefined && augmentation.type !== 'none') {
      const message = 'moves the pixels of images, and the data set holds texts';
      fields.push({
        path: `${path}/augmentation/type`,
        message,
        value: augmentation.type,
        allowed: ['none'],
      });
    }
    if (precision === 'bfloat16' && bfloat16Refusal !== undefined) {
      const message = `cannot be had from the workers: ${bfloat16Refusal}`;
      fields.push({ path: `${path}/precision`, message, value: precision, allowed: ['float32'] });
    }
  }
}

function checkPeers(drawn: readonly { student: Student }[], fields: FieldError[]): void {
  const peers = drawn.map(({ student }) => student).filter(({ index }) => index !== null);
  for (const student of peers) {
    if (digestOf(student.training) === digestOf(peers[0].training)) continue;
    fields.push({
      path: `${pathOf(student)}/training`,
      message: `must come to the same as that of ${peers[0].name}: they train together`,
    });
  }
}

/** How many different views of an image a student's training goes through. */
export function viewsOf({ augmentation, epochs }: Student['training']): number {
  return augmentation.type === 'none' ? 1 : Math.min(augmentation.views, epochs);
}
