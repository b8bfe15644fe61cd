import { inputKind } from '@distillery/datasets';
import { architectures, bind } from '@distillery/models';
import { type Choice, digestOf, DistilleryError, type FieldError, type JobSpec } from '@distillery/spec';
import { planInitial, type PlannedInitial, type TeacherSources } from '../initial/plan-initial.ts';
import type { InitialSources } from '../initial/sources.ts';
import { type BoundPlan, ensemblePlan } from '../ensemble.ts';
import { bindMethod, type Extended, extendsStudent, extendStudent, MethodError } from '../method.ts';
import { bindPeer } from '../peers.ts';
import { pretrainedOf } from '../pretraining.ts';
import { tracedWithTaps, withoutGradientTap } from '../taps.ts';
import { checkMixedLabels } from './check-augmentations.ts';
import { checkUnlabeled } from './check-unlabeled.ts';
import {
  checkBatchNorm,
  checkFresh,
  checkPeerInitials,
  checkPeers,
  checkTrainings,
} from './check-trainings.ts';
import { mapClasses, type Subject } from './class-map.ts';
import type { BoundNetwork, Layout, PlannedStudent, PlannedTeacher } from './layout.ts';
import { planBlackBox } from './black-box.ts';
import { remembered } from './remembered.ts';
import { isPeer, jobTeachers, pathOf, type Student, studentsOf } from './students.ts';
import type { TeacherFacts } from './subjects.ts';

/** The data that the networks of a job are trained on. */
export interface Subjects {
  /** The data of the job, with the number of its training samples without a class. */
  job: Subject & { unlabeled?: number | undefined };
  /** What is known about each teacher, by name. */
  teachers: Record<string, TeacherFacts>;
  /** What is known about stored weights that networks start from. Default: none is named. */
  initials?: InitialSources;
}

/** A student's network before its method has extended it. */
interface BoundStudent {
  student: Student;
  network: BoundNetwork;
  /** Its first weights; absent: random ones. */
  initial?: PlannedInitial;
}

/**
 * Plans the networks of a job: computes every network's shapes and binds every method to its taps.
 *
 * @param bfloat16Refusal why no worker can train in bfloat16; absent: at least one can
 * @throws DistilleryError `invalid_spec` with every field that does not fit
 */
export function planNetworks(spec: JobSpec, subjects: Subjects, bfloat16Refusal?: string): Layout {
  const fields: FieldError[] = [];
  const binder = networkBinder(fields);
  const teachers = planTeachers(spec, subjects, fields, binder);
  const bound = withInitials(bindStudents(spec, subjects.job, binder), teachers, subjects, fields);
  checkTrainings(spec, bfloat16Refusal, inputKind(subjects.job), fields);
  checkFresh(spec, bound, fields);
  if (spec.procedure === 'mutual') {
    checkPeers(bound, fields);
    checkPeerInitials(bound, fields);
  }
  checkBatchNorm(
    [
      ...teachers.map(({ plan, teacher: { training, given, path } }) => ({ plan, training, given, path })),
      ...bound
        .filter(({ student }) => student.index !== null)
        .map(({ student, network: { plan } }) => ({
          plan,
          training: student.training,
          given: spec.students[student.index ?? 0]?.training,
          path: pathOf(student),
        })),
    ],
    fields,
  );
  refuse(fields);
  const students = planStudents(spec, teachers, bound, fields);
  checkMixedLabels(students, fields);
  checkUnlabeled(students, subjects.job.unlabeled ?? 0, fields);
  refuse(fields);
  return { teachers, students };
}

function planTeachers(
  spec: JobSpec,
  subjects: Subjects,
  fields: FieldError[],
  binder: NetworkBinder,
): PlannedTeacher[] {
  return jobTeachers(spec).flatMap((teacher) => {
    const facts = subjects.teachers[teacher.name];
    const { subject = subjects.job, architecture, normalization } = facts;
    if (architecture === undefined) return [planBlackBox(teacher, facts, subjects.job, fields)];
    const { indices, errors } = mapClasses(subjects.job, subject, teacher.classMap);
    // The spec has no architecture or data set for a teacher that the job does not train: they come with its weights.
    const weightsPath = teacher.training === undefined ? `${teacher.path}/weights` : undefined;
    fields.push(
      ...errors.map((error) => ({
        ...error,
        path:
          weightsPath !== undefined && error.path === '/dataset' ? weightsPath : teacher.path + error.path,
      })),
    );
    const network = binder(weightsPath ?? `${teacher.path}/architecture`, architecture, subject);
    if (network === undefined) return [];
    const own = { architecture, plan: network.plan, subject, path: teacher.path };
    const stored = { teachers: [], stored: subjects.initials ?? new Map() };
    const initial = teacher.initial && planInitial(teacher.initial, own, stored, fields);
    const more = {
      ...(indices && { classMap: indices }),
      ...(normalization && { normalization }),
      ...(initial && { initial }),
    };
    return [{ ...network, teacher, architecture, ...more }];
  });
}

/** Plans the first weights of the students that do not start from random ones. */
function withInitials(
  students: readonly BoundStudent[],
  teachers: readonly PlannedTeacher[],
  { job, teachers: facts, initials = new Map() }: Subjects,
  fields: FieldError[],
): BoundStudent[] {
  const sources: TeacherSources = teachers.map((planned) => ({
    ...planned,
    subject: facts[planned.teacher.name].subject ?? job,
  }));
  return students.map((bound) => {
    const { student, network } = bound;
    if (student.initial === undefined) return bound;
    const own = {
      architecture: student.architecture,
      plan: network.plan,
      subject: job,
      path: pathOf(student),
    };
    // What does not fit a student does not fit its control either, and is reported once.
    const refusals = student.index === null ? [] : fields;
    const initial = planInitial(student.initial, own, { teachers: sources, stored: initials }, refusals);
    return { ...bound, ...(initial && { initial }) };
  });
}

function bindStudents(spec: JobSpec, subject: Subject, binder: NetworkBinder): BoundStudent[] {
  return studentsOf(spec).flatMap((student) => {
    const network = binder(`${pathOf(student)}/architecture`, student.architecture, subject);
    if (network === undefined) return [];
    if (!isPeer(spec, student)) return [{ student, network }];
    // Peers share one gradient pass, which gives no gradient of a single network by its input.
    return [{ student, network: { ...network, plan: withoutGradientTap(network.plan) } }];
  });
}

/** Binds an architecture to its data; undefined, with an entry for the path, when the two do not fit. */
type NetworkBinder = (path: string, choice: Choice, subject: Subject) => BoundNetwork | undefined;

/**
 * Returns a binder that traces equal architectures over equal data once: a job has up to thousands of networks, and most
 * are equal.
 */
function networkBinder(fields: FieldError[]): NetworkBinder {
  const results = new Map<string, BoundNetwork | Omit<FieldError, 'path'>>();
  return (path, choice, subject) => {
    const { shape, classes, vocabulary } = subject;
    const key = digestOf([choice, shape, classes.length, vocabulary ?? null]);
    const result = results.get(key) ?? boundOrError(choice, subject);
    results.set(key, result);
    if ('forward' in result) return result;
    fields.push({ path, ...result });
    return undefined;
  };
}

function boundOrError(choice: Choice, subject: Subject): BoundNetwork | Omit<FieldError, 'path'> {
  const { shape, classes, vocabulary } = subject;
  const input = inputKind(subject);
  try {
    const task = { classes: classes.length, vocabulary, input };
    const forward = bind(architectures.get(choice.type), choice, task);
    return { forward, plan: tracedWithTaps(forward, shape) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { message: `does not fit ${input}s of [${shape}]: ${error.message}`, value: choice };
  }
}

/** Extends every student's network as its method requires, and binds the method to the taps. */
function planStudents(
  spec: JobSpec,
  teachers: readonly PlannedTeacher[],
  bound: readonly BoundStudent[],
  fields: FieldError[],
): PlannedStudent[] {
  const extended = extendAll(teachers, bound, fields);
  const plans = new Map<string, BoundPlan>([
    ...teachers.map((planned) => [planned.teacher.name, planForTerms(planned)] as const),
    ...[...extended].map(([name, { plan }]) => [name, plan] as const),
  ]);
  const peers = Object.fromEntries(
    bound
      .filter(({ student }) => isPeer(spec, student))
      .map(({ student, network }) => [student.name, network.plan]),
  );
  const bindOnce = remembered(({ method, plan }: Extended, teacher: BoundPlan) =>
    bindMethod(method, plan, teacher),
  );
  return bound.flatMap(({ student, initial }) => {
    const own = extended.get(student.name);
    if (own === undefined) return [];
    const { method: choices, ...network } = own;
    try {
      const method = isPeer(spec, student)
        ? bindPeer(student.name, choices, peers)
        : bindOnce(own, teacherPlan(student, plans));
      if (isPeer(spec, student) && pretrainedOf({ student, method }).length > 0) {
        const message = 'needs a teacher that has finished training, but peers train together';
        fields.push({ path: `${pathOf(student)}/method`, message });
      }
      return [{ student, ...network, method, ...(initial && { initial }) }];
    } catch (error) {
      if (!(error instanceof MethodError)) throw error;
      fields.push({ path: `${pathOf(student)}/method${error.path}`, ...fieldOf(error) });
      return [];
    }
  });
}

/**
 * The students' networks as their methods extend them, by name. Students that do not fit are left out, and so are those
 * that learn from them. A student that teaches is extended before the students it teaches, because they may take over
 * its layers.
 */
function extendAll(
  teachers: readonly PlannedTeacher[],
  bound: readonly BoundStudent[],
  fields: FieldError[],
): Map<string, Extended> {
  const networks = new Map<string, BoundNetwork>(
    teachers.map((planned) => [
      planned.teacher.name,
      { forward: planned.forward, plan: { ...planned.plan, ...planForTerms(planned) } },
    ]),
  );
  const extended = new Map<string, Extended>();
  const students = new Map(bound.map((one) => [one.student.name, one]));
  const unchanged = remembered((method: readonly Choice[], own: BoundNetwork) =>
    extendStudent(method, own, undefined),
  );
  const seen = new Set<string>();
  const visit = ({ student, network: own }: BoundStudent) => {
    const { name, method } = student;
    if (seen.has(name)) return;
    seen.add(name);
    for (const teacher of student.teachers) {
      const other = students.get(teacher);
      if (other !== undefined) visit(other);
    }
    const known = student.teachers.map((teacher) => networks.get(teacher) ?? extended.get(teacher));
    if (known.includes(undefined)) return;
    try {
      const extension = extendsStudent(method)
        ? extendStudent(method, own, known.length === 1 ? known[0] : undefined)
        : unchanged(method, own);
      extended.set(name, extension);
    } catch (error) {
      if (!(error instanceof MethodError)) throw error;
      fields.push({ path: `${pathOf(student)}/method${error.path}`, ...fieldOf(error) });
    }
  };
  bound.forEach(visit);
  return extended;
}

/**
 * A teacher's plan as terms see it: its logits have the job's classes. A teacher with a class map offers neither its
 * parameters, because its classifier has other classes, nor its input gradient.
 */
function planForTerms({ plan, classMap }: PlannedTeacher): BoundPlan {
  if (classMap === undefined) return plan;
  return { taps: { ...withoutGradientTap(plan).taps, logits: [classMap.length] }, parameters: [] };
}

const noTeacher: BoundPlan = { taps: {}, parameters: [] };

/** The plan that a student's terms read as the teacher's: empty without a teacher, combined for several. */
function teacherPlan({ teachers }: Student, plans: ReadonlyMap<string, BoundPlan>): BoundPlan {
  const own = teachers.map((name) => plans.get(name) as BoundPlan);
  if (own.length === 0) return noTeacher;
  return own.length === 1 ? own[0] : ensemblePlan(teachers, own);
}

/** Reports each field once: the generations of a student have the same path. */
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
