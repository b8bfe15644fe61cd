import {
  type DatasetContext,
  type DatasetOutline,
  datasets,
  inputBytes,
  isAugmented,
  trainingCounts,
} from '@distillery/datasets';
import { type NetworkPlan, sizeOf, trace } from '@distillery/engine';
import {
  type Choice,
  DistilleryError,
  type FieldError,
  type JobPlan,
  type JobSpec,
  missingIn,
  type Paces,
  type Plan,
  requirementInWords,
  type StagePlan,
  stageSeconds,
  validationOf,
  validationSchema,
} from '@distillery/spec';
import type { Store } from '@distillery/store';
import { warningsOfProfile } from '../datasets/profiles.ts';
import type { PlannedInitial } from '../initial/plan-initial.ts';
import { describeInitials } from '../initial/sources.ts';
import { describeTeachers } from './subjects.ts';
import { augmentationCosts } from './augmentation-costs.ts';
import { beyond, type Bounds, defaultBounds, beyondAtOnce } from './bounds.ts';
import { teachers as teacherKinds } from '../kinds.ts';
import { type Layout, learnersOf } from './layout.ts';
import { memoryEstimate, outputsEstimate } from './estimate.ts';
import { planNetworks } from './plan-networks.ts';
import { pathOf } from './students.ts';
import type { WeightedTerm } from '../method.ts';
import { doubtfulTrainings } from '../sanity.ts';
import { stageKinds } from '../stages/index.ts';
import { version } from '../version.ts';
import { planStages } from './stages.ts';
import { planVersion } from './supported.ts';

export interface Planned {
  /** The stages that workers run, which is kept in the job's record. */
  resolved: JobPlan;
  /** The plan that clients see. */
  plan: Plan;
}

/** What planning reads beside the spec. */
export interface PlanContext extends DatasetContext {
  /** The store that holds the weights of stored teachers. */
  store?: Store;
  /** The speed of the workers in GFLOPS, as measured; absent: unknown. */
  gigaflops?: number | undefined;
  /** How long stages take, as the workers have measured; absent: nothing is measured. */
  paces?: Paces['kinds'] | undefined;
  /** What each running worker is capable of; absent: unknown. */
  capabilities?: readonly (readonly string[])[] | undefined;
  /** How many workers run; absent: unknown. */
  running?: number | undefined;
  /** Why no worker can train in bfloat16; absent: at least one can. */
  bfloat16Refusal?: string | undefined;
  /** The limits of one job. Default: `defaultBounds`. */
  bounds?: Bounds;
}

/**
 * Plans a job: its stages, the shapes of every network, and the taps of every term. It trains nothing and creates no
 * tensors.
 *
 * @throws DistilleryError `invalid_spec` with an entry for each field that does not fit the others, `data_error` or
 *   `data_unavailable` when the data set cannot be used
 */
export async function planJob(spec: JobSpec, context: PlanContext): Promise<Planned> {
  const bounds = context.bounds ?? defaultBounds;
  refuse(beyondAtOnce(spec, bounds));
  const outline = await datasets.get(spec.dataset.source).outline(spec.dataset, context);
  const teachers = await describeTeachers(spec, context, outline);
  const initials = await describeInitials(spec, context.store);
  const layout = planNetworks(spec, { job: outline, teachers, initials }, context.bfloat16Refusal);
  const { train, validation } = trainingCounts(outline, validationOf(spec));
  const job = { spec, layout, train, test: outline.testCount, facts: teachers };
  const stages = planStages(stageKinds.list, job);
  const { paces: kinds = {}, gigaflops } = context;
  const seconds = stages.map((stage) => stageSeconds(stage, { kinds, gigaflops }));
  const estimate = {
    memoryBytes: memoryEstimate(layout, spec.procedure === 'mutual'),
    datasetBytes: (outline.trainCount + outline.testCount) * inputBytes(outline),
    outputsBytes: outputsEstimate(layout, train, spec.seeds.length).bytes,
  };
  const work = stages.reduce((sum, stage) => sum + stage.work, 0);
  const networks = [
    ...layout.teachers.map(({ teacher, plan }) => [teacher.path, plan] as const),
    ...layout.students.map(({ student, plan }) => [pathOf(student), plan] as const),
  ].map(([path, { parameterCount }]) => ({ path: `${path}/architecture`, parameters: parameterCount }));
  refuse(beyond({ ...estimate, networks, work, spec, stages: stages.length }, bounds));
  const termsOf = new Map<readonly WeightedTerm[], Plan['students'][number]['terms']>();
  const describeMethod = (method: readonly WeightedTerm[]) => {
    const terms = termsOf.get(method) ?? method.map(describeTerm);
    termsOf.set(method, terms);
    return terms;
  };
  return {
    resolved: {
      version: planVersion,
      distillery: version,
      stages: stages.map((stage) => ({
        ...stage,
        // For the shares of progress any speed does, where none is known.
        seconds: stageSeconds(stage, { kinds, gigaflops: gigaflops ?? 10 }) ?? 0,
      })),
    },
    plan: {
      dataset: {
        source: spec.dataset.source,
        classes: outline.classes,
        shape: outline.shape,
        train,
        validation,
        test: outline.testCount,
      },
      teachers: layout.teachers.map(({ teacher, architecture, plan, initial }) => ({
        ...describe(architecture ?? teacher.options, plan),
        name: teacher.name,
        ...describeInitial(initial),
        weight: teacher.weight,
      })),
      students: layout.students.map(({ student, plan, method, initial }) => ({
        ...describe(student.architecture, plan),
        name: student.name,
        ...describeInitial(initial),
        teachers: student.teachers,
        control: student.control,
        terms: describeMethod(method),
      })),
      augmentations: augmentationCosts(layout, train, spec.seeds.length),
      stages: stages.map(({ id, kind, needs, work }, i) => ({ id, kind, needs, work, seconds: seconds[i] })),
      estimate: {
        ...estimate,
        seconds: seconds.includes(null) ? null : seconds.reduce<number>((sum, one) => sum + (one ?? 0), 0),
        gigaflops: context.gigaflops ?? null,
      },
      warnings: [
        ...(context.running === 0 ? ['no worker is running: the job would wait until one is started'] : []),
        ...unserved(stages, context.capabilities ?? []),
        ...(context.store === undefined ? [] : await warningsOfProfile(context.store, spec.dataset)),
        ...sameOutputs(layout),
        ...unusedFraction(spec, outline),
        ...doubtfulTrainings([
          ...layout.teachers.map(({ teacher }) => teacher),
          ...layout.students.map(({ student }) => student),
        ]),
      ],
    },
  };
}

/** Warns of stages that no running worker can run. */
function unserved(stages: readonly StagePlan[], workers: readonly (readonly string[])[]): string[] {
  const waiting = new Map<string, string[]>();
  for (const { id, requires = [] } of stages) {
    const missing = missingIn(workers, requires).map(requirementInWords).join(' and ');
    if (missing !== '') waiting.set(missing, [...(waiting.get(missing) ?? []), id]);
  }
  return [...waiting].map(([missing, ids]) => {
    const more = ids.length > 3 ? ` and ${ids.length - 3} more` : '';
    return `no running worker has ${missing}: ${ids.slice(0, 3).join(', ')}${more} would wait until one is started`;
  });
}

/** Warns where a share is asked for that given validation samples replace. */
function unusedFraction(spec: JobSpec, { validation }: DatasetOutline): string[] {
  const { fraction } = validationOf(spec);
  if (validation === undefined || fraction === 0 || fraction === validationSchema.parse({}).fraction)
    return [];
  return [
    `the data set gives ${validation} validation samples: "validation" holds out no share of ${fraction} beside them`,
  ];
}

/** @throws DistilleryError `invalid_spec` when there are entries */
function refuse(fields: FieldError[]): void {
  if (fields.length === 0) return;
  throw new DistilleryError('invalid_spec', 'the job exceeds the limits of a job', { fields });
}

function describe(choice: Choice, plan: NetworkPlan) {
  return {
    architecture: choice.type,
    parameters: plan.parameterCount,
    bytes: plan.parameters.reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0),
    flops: plan.flops,
    taps: plan.taps,
  };
}

/** A sentence for each teacher whose outputs students with augmented views read, though it never saw these views. */
function sameOutputs(layout: Layout): string[] {
  return layout.teachers.flatMap(({ teacher: { name, options } }) => {
    if (teacherKinds.get(options.type).read === undefined) return [];
    const augmented = learnersOf(layout, name).filter(({ student }) =>
      isAugmented(student.training.augmentation),
    );
    const names = augmented.map(({ student }) => student.name).join(', ');
    return names === ''
      ? []
      : [
          `${names}: the outputs of ${name} were given for plain samples, and are taught for every view of them`,
        ];
  });
}

function describeInitial(initial: PlannedInitial | undefined) {
  if (initial === undefined) return {};
  const { source, copied, fresh } = initial;
  const name = 'teacher' in source ? source.teacher : source.weights;
  return { initial: { source: name, copied: Object.keys(copied).length, fresh } };
}

function describeTerm({ name, weight, bound }: WeightedTerm) {
  const projectors = Object.entries(bound.auxiliary).map(([part, { forward, inputShape }]) => {
    const plan = trace(forward, inputShape);
    return { name: part, from: plan.inputShape, to: plan.outputShape, parameters: plan.parameterCount };
  });
  return { name, weight, student: bound.student, teacher: bound.teacher, projectors };
}
