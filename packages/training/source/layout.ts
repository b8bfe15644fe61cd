import type { Forward, NetworkPlan } from '@distillery/engine';
import { architectures, bind } from '@distillery/models';
import { type Choice, DistilleryError, type FieldError, type JobSpec } from '@distillery/spec';
import { bindMethod, extendStudent, MethodError, type WeightedTerm } from './method.ts';
import { type Student, studentsOf } from './students.ts';
import { tracedWithTaps } from './taps.ts';

/** Every network of a job with its shapes, every method with its taps. */
export interface Layout {
  teacher: NetworkPlan;
  students: {
    student: Student;
    /** As the terms of its method have made it. */
    forward: Forward;
    plan: NetworkPlan;
    /** Its frozen parameters, and those of the teacher whose weights they get. */
    inherited: Record<string, string>;
    method: WeightedTerm[];
  }[];
}

/**
 * @param bfloat16Refusal why no worker trains in bfloat16
 * @throws DistilleryError `invalid_spec` with every field that does not fit
 */
export function layOut(spec: JobSpec, shape: number[], classes: number, bfloat16Refusal?: string): Layout {
  const fields: FieldError[] = [];
  const traced = (path: string, choice: Choice) => {
    try {
      const forward = bind(architectures.get(choice.type), choice, classes);
      return { forward, plan: tracedWithTaps(forward, shape) };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      fields.push({ path, message: `does not fit images of [${shape}]: ${error.message}`, value: choice });
      return undefined;
    }
  };
  const teacher = traced('/teacher/architecture', spec.teacher.architecture);
  const students = studentsOf(spec).flatMap((student) => {
    const at = student.index === null ? undefined : `/students/${student.index}`;
    const own = traced(`${at ?? '/students'}/architecture`, student.architecture);
    if (teacher === undefined || own === undefined) return [];
    try {
      const { method, ...network } = extendStudent(student.method, own, teacher);
      return [{ student, ...network, method: bindMethod(method, network.plan, teacher.plan) }];
    } catch (error) {
      if (!(error instanceof MethodError)) throw error;
      fields.push({ path: `${at}/method${error.path}`, ...fieldOf(error) });
      return [];
    }
  });
  for (const [path, training] of trainingsOf(spec)) {
    const { optimizer, precision } = training;
    if (optimizer?.type === 'sgd' && optimizer.nesterov && optimizer.momentum === 0) {
      fields.push({ path: `${path}/optimizer/nesterov`, message: 'needs a momentum above 0', value: true });
    }
    if (precision === 'bfloat16' && bfloat16Refusal !== undefined) {
      const message = `cannot be had from the workers: ${bfloat16Refusal}`;
      fields.push({ path: `${path}/precision`, message, value: precision, allowed: ['float32'] });
    }
  }
  if (fields.length > 0 || teacher === undefined) {
    throw new DistilleryError('invalid_spec', 'the parts of the job do not fit each other', { fields });
  }
  return { teacher: teacher.plan, students };
}

function fieldOf({ message, value, allowed }: MethodError): Omit<FieldError, 'path'> {
  return {
    message,
    ...(value === undefined ? {} : { value }),
    ...(allowed === undefined ? {} : { allowed }),
  };
}

function trainingsOf(spec: JobSpec) {
  return [
    ['/training', spec.training],
    ['/teacher/training', spec.teacher.training],
    ...spec.students.map(({ training }, index) => [`/students/${index}/training`, training] as const),
  ] as const;
}

/** How many different views of an image a student's training goes through. */
export function viewsOf({ augmentation, epochs }: Student['training']): number {
  return augmentation.type === 'none' ? 1 : Math.min(augmentation.views, epochs);
}
