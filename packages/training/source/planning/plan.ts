import { type DatasetContext, datasets, inputBytes } from '@distillery/datasets';
import { type NetworkPlan, sizeOf, trace } from '@distillery/engine';
import {
  type Choice,
  DistilleryError,
  type JobPlan,
  type JobSpec,
  validationOf,
  weightSchema,
} from '@distillery/spec';
import type { Store } from '@distillery/store';
import { z } from 'zod';
import { describeTeachers } from './subjects.ts';
import { beyond, type Bounds, defaultBounds } from './bounds.ts';
import { memoryEstimate, outputsEstimate } from './estimate.ts';
import { layOut, pathOf } from './layout.ts';
import type { WeightedTerm } from '../method.ts';
import { stageKinds } from '../stages/index.ts';
import { version } from '../version.ts';
import { planStages } from './stages.ts';
import { planVersion } from './supported.ts';

const networkSchema = z.object({
  architecture: z.string(),
  parameters: z.number().int(),
  bytes: z.number().int().describe('of its weights as float32'),
  flops: z.number().describe('of one forward pass of one image; a multiply-add is two'),
  taps: z.record(z.string(), z.array(z.number().int())).describe('shapes without the batch'),
});

export const planSchema = z.object({
  dataset: z.object({
    source: z.string(),
    classes: z.array(z.string()),
    shape: z.array(z.number().int()),
    train: z.number().int(),
    validation: z.number().int(),
    test: z.number().int(),
  }),
  teachers: z.array(networkSchema.extend({ name: z.string(), weight: z.number() })),
  students: z.array(
    networkSchema.extend({
      name: z.string(),
      teachers: z.array(z.string()).describe('none for a control and for peers'),
      control: z.string().nullable(),
      terms: z.array(
        z.object({
          name: z.string(),
          weight: weightSchema.describe('as it was given'),
          student: z.array(z.string()),
          teacher: z.array(z.string()),
          projectors: z
            .array(
              z.object({
                name: z.string(),
                from: z.array(z.number()),
                to: z.array(z.number()),
                parameters: z.number(),
              }),
            )
            .describe('trained with the student, left out of its weights'),
        }),
      ),
    }),
  ),
  stages: z.array(
    z.object({
      id: z.string(),
      kind: z.string(),
      needs: z.array(z.string()),
      work: z.number().describe('in floating-point operations, memory traffic counted in'),
      seconds: z.number().nullable().describe('null where no worker has told its speed yet'),
    }),
  ),
  estimate: z.object({
    memoryBytes: z.number().describe("the largest trainer's, beside the data set's own bytes"),
    datasetBytes: z.number(),
    outputsBytes: z.number().describe("the teacher's stored outputs on disk"),
    seconds: z.number().nullable().describe('on one worker'),
    gigaflops: z.number().nullable().describe('the speed that the estimate rests on'),
  }),
});
export type Plan = z.output<typeof planSchema>;

export interface Planned {
  /** What the workers run. */
  resolved: JobPlan;
  /** What a person reads. */
  plan: Plan;
}

/** What planning may look at. */
export interface PlanContext extends DatasetContext {
  /** The store that stored teachers are looked up in. */
  store?: Store;
  /** The speed of the workers, as they measured it. */
  gigaflops?: number | undefined;
  /** Why no worker trains in bfloat16; absent where one may. */
  bfloat16Refusal?: string | undefined;
  /** What a job may ask for at most. */
  bounds?: Bounds;
}

/**
 * Plans a job: its stages, every network's shapes, every term's taps. Nothing is trained, and no tensor is made.
 *
 * @throws DistilleryError `invalid_spec` with an entry for each field that does not fit the others, `data_error` or
 *   `data_unavailable` when the data set cannot be used
 */
export async function planJob(spec: JobSpec, context: PlanContext): Promise<Planned> {
  const outline = await datasets.get(spec.dataset.source).outline(spec.dataset, context);
  const teachers = await describeTeachers(spec, context);
  const layout = layOut(spec, { job: outline, teachers }, context.bfloat16Refusal);
  const validation = Math.round(outline.trainCount * validationOf(spec).fraction);
  const train = outline.trainCount - validation;
  const job = { spec, layout, train, test: outline.testCount, facts: teachers };
  const stages = planStages(stageKinds.list, job);
  const seconds = (flops: number) =>
    context.gigaflops === undefined ? null : flops / context.gigaflops / 1e9;
  const estimate = {
    memoryBytes: memoryEstimate(layout, spec.procedure === 'mutual'),
    datasetBytes: (outline.trainCount + outline.testCount) * inputBytes(outline),
    outputsBytes: outputsEstimate(layout, train, spec.seeds.length),
  };
  const work = stages.reduce((sum, stage) => sum + stage.work, 0);
  const networks = [
    ...layout.teachers.map(({ teacher, plan }) => [teacher.path, plan] as const),
    ...layout.students.map(({ student, plan }) => [pathOf(student), plan] as const),
  ].map(([path, { parameterCount }]) => ({ path: `${path}/architecture`, parameters: parameterCount }));
  const fields = beyond({ ...estimate, networks, work }, context.bounds ?? defaultBounds);
  if (fields.length > 0) {
    throw new DistilleryError('invalid_spec', 'the job asks for more than one job may', { fields });
  }
  return {
    resolved: { version: planVersion, distillery: version, stages },
    plan: {
      dataset: {
        source: spec.dataset.source,
        classes: outline.classes,
        shape: outline.shape,
        train,
        validation,
        test: outline.testCount,
      },
      teachers: layout.teachers.map(({ teacher, architecture, plan }) => ({
        ...describe(architecture, plan),
        name: teacher.name,
        weight: teacher.weight,
      })),
      students: layout.students.map(({ student, plan, method }) => ({
        ...describe(student.architecture, plan),
        name: student.name,
        teachers: student.teachers,
        control: student.control,
        terms: method.map(describeTerm),
      })),
      stages: stages.map(({ id, kind, needs, work }) => ({
        id,
        kind,
        needs,
        work,
        seconds: seconds(work),
      })),
      estimate: {
        ...estimate,
        seconds: seconds(work),
        gigaflops: context.gigaflops ?? null,
      },
    },
  };
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

function describeTerm({ name, weight, bound }: WeightedTerm) {
  const projectors = Object.entries(bound.auxiliary).map(([part, { forward, inputShape }]) => {
    const plan = trace(forward, inputShape);
    return { name: part, from: plan.inputShape, to: plan.outputShape, parameters: plan.parameterCount };
  });
  return { name, weight, student: bound.student, teacher: bound.teacher, projectors };
}
