import { type InputKind, mixesLabels } from '@distillery/datasets';
import type { NetworkPlan } from '@distillery/engine';
import { digestOf, type FieldError, type JobSpec, type Training } from '@distillery/spec';
import type { PlannedInitial } from '../initial/plan-initial.ts';
import { teachers as teacherKinds } from '../kinds.ts';
import { checkAugmentation } from './check-augmentations.ts';
import { isFresh, jobTeachers, pathOf, type Student } from './students.ts';

/** Adds an entry to `fields` for each training setting that no worker, or no network of the job, can use. */
export function checkTrainings(
  spec: JobSpec,
  bfloat16Refusal: string | undefined,
  input: InputKind,
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
    if (augmentation !== undefined) checkAugmentation(`${path}/augmentation`, augmentation, input, fields);
    if (precision === 'bfloat16' && bfloat16Refusal !== undefined) {
      const message = `is not supported by any worker: ${bfloat16Refusal}`;
      fields.push({ path: `${path}/precision`, message, value: precision, allowed: ['float32'] });
    }
  }
}

/**
 * Adds an entry to `fields` for each network with BatchNorm that trains on one sample at a time: where its maps have one
 * position, normalised numbers are all 0, and elsewhere the statistics are those of single images.
 *
 * @param given the network's own settings, where the spec has some, and their path
 */
export function checkBatchNorm(
  networks: readonly { plan: NetworkPlan; training: Training | undefined; given: unknown; path: string }[],
  fields: FieldError[],
): void {
  for (const { plan, training, given, path } of networks) {
    if (training?.batchSize !== 1 || !plan.parameters.some(({ name }) => name.endsWith('.running_mean')))
      continue;
    const own = typeof given === 'object' && given !== null && 'batchSize' in given;
    fields.push({
      path: own ? `${path}/training/batchSize` : '/training/batchSize',
      message: `is too small for the BatchNorm of ${path}, which needs at least 2 samples in a step`,
      value: 1,
      allowed: { minimum: 2 },
    });
  }
}

/**
 * Adds an entry to `fields` for each student whose teacher has given outputs only, and that would need others: of fresh views, or of
 * samples that are mixed from two.
 */
export function checkFresh(
  spec: JobSpec,
  students: readonly { student: Student }[],
  fields: FieldError[],
): void {
  const given = jobTeachers(spec).filter(({ options: { type } }) => teacherKinds.get(type).given);
  for (const { student } of students) {
    const teacher = given.find(({ name }) => student.teachers.includes(name));
    if (teacher === undefined) continue;
    const own = spec.students[student.index ?? 0]?.training.augmentation !== undefined;
    const path = `${own ? pathOf(student) : ''}/training/augmentation`;
    if (mixesLabels(student.training.augmentation)) {
      const message = `mixes samples of two classes, but ${teacher.name} (${teacher.options.type}) has outputs for whole samples only; leave out the transforms that mix`;
      fields.push({ path, message });
    }
    if (!isFresh(student.training)) continue;
    fields.push({
      path: `${path}/views`,
      message: `needs teachers that can run in the training loop, but ${teacher.name} (${teacher.options.type}) has given outputs only; choose a number of views`,
      value: 'fresh',
      allowed: { minimum: 1, maximum: 64 },
    });
  }
}

/** Adds an entry to `fields` for each peer that would start as another one does: equal peers have nothing to teach each other. */
export function checkPeerInitials(
  students: readonly { student: Student; initial?: PlannedInitial }[],
  fields: FieldError[],
): void {
  const seen = new Map<string, string>();
  for (const { student, initial } of students) {
    if (student.index === null || initial === undefined || initial.fresh.length > 0) continue;
    const key = digestOf([student.architecture, initial]);
    const other = seen.get(key);
    seen.set(key, student.name);
    if (other === undefined) continue;
    fields.push({
      path: `${pathOf(student)}/initial`,
      message: `gives it the first weights of ${other}, so that the two would have nothing to teach each other`,
    });
  }
}

/** Adds an entry to `fields` for each peer whose training differs from the first one's: peers take every step together. */
export function checkPeers(students: readonly { student: Student }[], fields: FieldError[]): void {
  const peers = students.map(({ student }) => student).filter(({ index }) => index !== null);
  for (const student of peers) {
    if (digestOf(student.training) === digestOf(peers[0].training)) continue;
    fields.push({
      path: `${pathOf(student)}/training`,
      message: `must equal the training of ${peers[0].name}, because they train together`,
    });
  }
}
