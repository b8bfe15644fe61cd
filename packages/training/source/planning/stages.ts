import { type JobSpec, requirementsOfResources, type StagePlan, type Training } from '@distillery/spec';
import type { StageKind, StageNetwork } from '../stages/stage.ts';
import type { Layout } from './layout.ts';
import type { TeacherFacts } from './subjects.ts';

/** The input from which stage kinds plan a job's stages. */
export interface PlanningJob {
  spec: JobSpec;
  layout: Layout;
  /** Samples of the job's training split. */
  train: number;
  /** Samples of the job's test split. */
  test: number;
  /** What is known about each teacher, by name. */
  facts: Readonly<Record<string, TeacherFacts>>;
}

/** A stage before it has an id. */
export interface StageDraft<Input> {
  input: Input;
  /** The estimated work in floating-point operations, memory traffic included. */
  work: number;
  /** What only some workers are capable of. */
  requires?: string[];
  /** Identifies a result that other jobs reuse, as `StagePlan.shares`. */
  shares?: string;
}

/** What a training requires of its worker. */
export function requirementsOf({ precision }: Training): { requires?: string[] } {
  return precision === 'bfloat16' ? { requires: ['bfloat16'] } : {};
}

/** A planned stage with the networks it trains, which later kinds plan their stages from. */
export interface PlannedStage {
  stage: StagePlan;
  networks: StageNetwork[];
}

/**
 * Plans the stages of a job. Each stage comes after those that it needs.
 *
 * @param kinds the stage kinds; a kind sees the stages of the kinds before it
 */
export function planStages(kinds: readonly StageKind[], job: PlanningJob): StagePlan[] {
  const planned: PlannedStage[] = [];
  for (const kind of kinds) {
    const drafts = kind.plan(job, planned.slice());
    const own = drafts.map((draft) => plannedStage(kind, draft, job));
    // Students and seeds may ask for the same stage, which is then planned once.
    for (const one of new Map(own.map((each) => [each.stage.id, each])).values()) planned.push(one);
  }
  return inOrder(planned.map(({ stage }) => stage));
}

function plannedStage(
  kind: StageKind,
  { input, requires = [], ...draft }: StageDraft<Record<string, unknown>>,
  { spec, layout }: PlanningJob,
): PlannedStage {
  const needs = [...new Set(kind.needs(input))];
  const { networks = [], ...about } = kind.about(input);
  const controlOf = (name: string) =>
    layout.students.find(({ student }) => student.name === name)?.student.control ?? null;
  const required = [...resourcesOf(spec, layout, networks, input), ...requires];
  const stage = {
    id: kind.id(input),
    kind: kind.type,
    needs,
    ...draft,
    ...(required.length > 0 && { requires: required }),
    input,
    ...about,
    networks: networks.map((name) => ({ name, control: controlOf(name) })),
  };
  return { stage, networks: kind.networks?.(input) ?? [] };
}

/**
 * What the resources of the spec require for a stage: those of the student that it is about, else those of the job. A stage
 * without a network, the report, computes nothing that needs any.
 */
function resourcesOf(
  spec: JobSpec,
  layout: Layout,
  networks: readonly string[],
  { student: named }: { student?: unknown },
): string[] {
  if (networks.length === 0) return [];
  const found = layout.students.find(({ student: { name } }) => name === named || networks.includes(name));
  return requirementsOfResources(found?.student.resources ?? spec.resources);
}

/**
 * Moves each stage behind those that it needs: sorts by the length of the longest chain of needs, and keeps the order of
 * stages with equal lengths. Takes time in proportion to the number of stages and needs.
 */
function inOrder(stages: readonly StagePlan[]): StagePlan[] {
  const dependents = new Map<string, StagePlan[]>(stages.map(({ id }) => [id, []]));
  const missing = new Map(stages.map(({ id, needs }) => [id, needs.length]));
  const depths = new Map(stages.map(({ id }) => [id, 0]));
  for (const stage of stages) for (const need of stage.needs) dependents.get(need)?.push(stage);
  const free = stages.filter(({ needs }) => needs.length === 0);
  // The list grows while it is walked.
  for (const { id } of free) {
    for (const dependent of dependents.get(id) ?? []) {
      const depth = Math.max(depths.get(dependent.id) ?? 0, (depths.get(id) ?? 0) + 1);
      depths.set(dependent.id, depth);
      const left = (missing.get(dependent.id) ?? 0) - 1;
      missing.set(dependent.id, left);
      if (left === 0) free.push(dependent);
    }
  }
  if (free.length < stages.length) throw new Error('the needs of the stages form a cycle');
  return stages.toSorted((a, b) => (depths.get(a.id) ?? 0) - (depths.get(b.id) ?? 0));
}
