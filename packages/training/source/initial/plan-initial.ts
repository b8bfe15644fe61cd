import { interchangeShape, type NetworkPlan } from '@distillery/engine';
import type { Choice, FieldError, Initial } from '@distillery/spec';
import type { Subject } from '../planning/class-map.ts';
import type { PlannedTeacher } from '../planning/layout.ts';
import { classifierNames } from './classifier.ts';
import { type Copies, fitCopies, type SourceShapes } from './fit.ts';
import type { InitialSources } from './sources.ts';

/** The first weights of a network, as planned. */
export interface PlannedInitial extends Copies {
  /** A teacher of the job by name, or stored weights by their digest. */
  source: { teacher: string } | { weights: string };
}

/** A network, or stored weights, that a network may start from. */
interface Source {
  source: PlannedInitial['source'];
  shapes: SourceShapes;
  /** The names of its classes; absent where its file does not say. */
  classes?: readonly string[] | undefined;
}

/** What the teachers of a job are to students that start from one. */
export type TeacherSources = readonly (PlannedTeacher & { subject: Subject })[];

/**
 * Plans the first weights of a network.
 *
 * @param own the network that starts from them
 * @param fields receives an entry for each name that does not fit, with a path below `path`
 */
export function planInitial(
  initial: Initial,
  own: { architecture: Choice; plan: NetworkPlan; subject: Subject; path: string },
  { teachers, stored }: { teachers: TeacherSources; stored: InitialSources },
  fields: FieldError[],
): PlannedInitial | undefined {
  const path = `${own.path}/initial`;
  const found = sourceOf(initial, teachers, stored);
  if ('message' in found) {
    fields.push({ ...found, path: path + found.path });
    return undefined;
  }
  const classifier = classifierNames(own.architecture, own.subject);
  const refusals = checkClasses(initial, found.classes, own.subject.classes, classifier);
  const { fields: differences, ...copies } = fitCopies(own.plan, classifier, found.shapes, initial);
  const all = [...refusals, ...differences];
  fields.push(...all.map((field) => ({ ...field, path: path + field.path })));
  return all.length > 0 ? undefined : { source: found.source, ...copies };
}

function sourceOf(
  { from, weights = '' }: Initial,
  teachers: TeacherSources,
  stored: InitialSources,
): Source | FieldError {
  if (from === undefined) {
    const { shapes, metadata } = stored.get(weights) ?? { shapes: new Map(), metadata: {} };
    return { source: { weights }, shapes, classes: classesIn(metadata) };
  }
  const planned = teachers.find(({ teacher: { name } }) => name === from);
  if (planned === undefined) {
    const allowed = teachers.map(({ teacher: { name } }) => name);
    return { path: '/from', message: 'is no teacher of the job', value: from, allowed };
  }
  const { teacher, plan, subject } = planned;
  const shapes = new Map(plan.parameters.map((parameter) => [parameter.name, interchangeShape(parameter)]));
  if (shapes.size === 0) {
    const message = `is a teacher of the type ${teacher.options.type}, whose weights are not known here`;
    return { path: '/from', message, value: from };
  }
  const own = teacher.options.weights;
  const source = teacher.training === undefined ? { weights: String(own) } : { teacher: from };
  return { source, shapes, classes: subject.classes };
}

function classesIn({ classes = '' }: Readonly<Record<string, string>>): string[] | undefined {
  try {
    const list: unknown = JSON.parse(classes);
    return Array.isArray(list) ? list.map(String) : undefined;
  } catch {
    return undefined;
  }
}

/** The classifier is copied only between equal lists of classes: equal counts may be other classes. */
function checkClasses(
  { classifier: wanted }: Initial,
  theirs: readonly string[] | undefined,
  ours: readonly string[],
  classifier: ReadonlySet<string>,
): FieldError[] {
  const path = '/classifier';
  if (wanted === 'fresh') {
    if (classifier.size > 0) return [];
    return [{ path, message: 'needs a layer that depends on the number of classes', value: wanted }];
  }
  if (theirs === undefined || theirs.join('\n') === ours.join('\n')) return [];
  const message =
    `is copied, but the classes of the source (${some(theirs)}) differ from those of the network (${some(ours)}), ` +
    'or in their order; "fresh" starts it from random weights';
  return [{ path, message, value: wanted, allowed: ['fresh'] }];
}

/** Lists at most four names, and the number of the others. */
function some(names: readonly string[]): string {
  const more = names.length - 4;
  return names.slice(0, 4).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
