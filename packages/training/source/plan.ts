import { type DatasetContext, type DatasetOutline, datasets } from '@distillery/datasets';
import { type NetworkPlan, sizeOf, trace } from '@distillery/engine';
import { type Choice, type JobSpec, type StagePlan, validationOf, weightSchema } from '@distillery/spec';
import { z } from 'zod';
import { type Layout, layOut, viewsOf } from './layout.ts';
import { teacherTaps, type WeightedTerm } from './method.ts';
import { rowType } from './outputs.ts';
import { teacherTraining } from './students.ts';

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
  teacher: networkSchema,
  students: z.array(
    networkSchema.extend({
      name: z.string(),
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
  /** What the queue runs. */
  stages: StagePlan[];
  /** What a person reads. */
  plan: Plan;
}

/** What planning may look at. */
export interface PlanContext extends DatasetContext {
  /** The speed of the workers, as they measured it. */
  gigaflops?: number | undefined;
  /** Why no worker trains in bfloat16; absent where one may. */
  bfloat16Refusal?: string | undefined;
}

/**
 * Lays a job out: its stages, every network's shapes, every term's taps. Nothing is trained, no tensor is made.
 *
 * @throws DistilleryError `invalid_spec` with an entry for each field that does not fit the others, `data_error` or
 *   `data_unavailable` when the data set cannot be used
 */
export async function planJob(spec: JobSpec, context: PlanContext): Promise<Planned> {
  const outline = await datasets.get(spec.dataset.source).outline(spec.dataset, context);
  const layout = layOut(spec, outline.shape, outline.classes.length, context.bfloat16Refusal);
  const validation = Math.round(outline.trainCount * validationOf(spec).fraction);
  const train = outline.trainCount - validation;
  const stages = stagesOf(spec, layout, train, outline);
  const seconds = (flops: number) =>
    context.gigaflops === undefined ? null : flops / context.gigaflops / 1e9;
  return {
    stages,
    plan: {
      dataset: {
        source: spec.dataset.source,
        classes: outline.classes,
        shape: outline.shape,
        train,
        validation,
        test: outline.testCount,
      },
      teacher: describe(spec.teacher.architecture, layout.teacher),
      students: layout.students.map(({ student, plan, method }) => ({
        ...describe(student.architecture, plan),
        name: student.name,
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
        memoryBytes: memoryEstimate(spec, layout),
        datasetBytes: (outline.trainCount + outline.testCount) * sizeOf(outline.shape),
        outputsBytes: outputsEstimate(layout, train),
        seconds: seconds(stages.reduce((sum, { work }) => sum + work, 0)),
        gigaflops: context.gigaflops ?? null,
      },
    },
  };
}

/**
 * What moving one activation through memory costs beside arithmetic, in floating-point operations: about right for
 * both a network of large convolutions and a small one that is bound by memory.
 */
const activationCost = 250;

/** The work of a forward pass of one image, in floating-point operations. */
function forwardWork({ flops, activations }: NetworkPlan): number {
  return flops + activationCost * activations;
}

/** The graph: teacher → outputs → each (student, seed) → report. */
function stagesOf(spec: JobSpec, layout: Layout, train: number, outline: DatasetOutline): StagePlan[] {
  // A backward pass costs about twice its forward pass.
  const training = (plan: NetworkPlan, epochs: number) => 3 * forwardWork(plan) * train * epochs;
  const views = distinctViews(layout);
  const students = layout.students.flatMap(({ student, plan }) =>
    spec.seeds.map((seed) => ({
      id: `student.${student.name}.${seed}`,
      kind: 'student' as const,
      needs: ['outputs'],
      work: training(plan, student.training.epochs),
      student: student.name,
      seed,
    })),
  );
  return [
    {
      id: 'teacher',
      kind: 'teacher',
      needs: [],
      work: training(layout.teacher, teacherTraining(spec).epochs),
    },
    {
      id: 'outputs',
      kind: 'outputs',
      needs: ['teacher'],
      work: forwardWork(layout.teacher) * (train * views.length + outline.testCount),
    },
    ...students,
    { id: 'report', kind: 'report', needs: students.map(({ id }) => id), work: 0 },
  ];
}

/** Each (augmentation, view) that some student needs the teacher for. */
function distinctViews(layout: Layout): string[] {
  const keys = layout.students
    .filter(({ method }) => teacherTaps(method).length > 0)
    .flatMap(({ student: { training } }) =>
      Array.from({ length: viewsOf(training) }, (_, view) => JSON.stringify([training.augmentation, view])),
    );
  return [...new Set(keys)];
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

/** Activations (twice: values and gradients) of the widest batch, weights with gradients and two slots. */
function memoryEstimate(spec: JobSpec, layout: Layout): number {
  const engineBytes = 450e6;
  const of = (plan: NetworkPlan, batchSize: number) =>
    4 * (2 * plan.activations * batchSize + 4 * plan.parameterCount);
  const networks = [
    of(layout.teacher, teacherTraining(spec).batchSize),
    ...layout.students.map(({ plan, student }) => of(plan, student.training.batchSize)),
  ];
  return Math.round(engineBytes + Math.max(...networks));
}

function outputsEstimate(layout: Layout, train: number): number {
  const files = new Map<string, number>();
  for (const { method, student } of layout.students) {
    for (const tap of teacherTaps(method)) {
      const shape = layout.teacher.taps[tap];
      const bytes = viewsOf(student.training) * train * sizeOf(shape) * (rowType(shape) === 'F16' ? 2 : 4);
      const key = JSON.stringify([student.training.augmentation, tap]);
      files.set(key, Math.max(files.get(key) ?? 0, bytes));
    }
  }
  return [...files.values()].reduce((sum, bytes) => sum + bytes, 0);
}
