import type { JobSpec, StagePlan } from '@distillery/spec';
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
    const drafts = kind.plan(job, [...planned]);
    const own = drafts.map((draft) => plannedStage(kind, draft));
    // Students and seeds may ask for the same stage, which is then planned once.
    planned.push(...new Map(own.map((one) => [one.stage.id, one])).values());
  }
  return inOrder(planned.map(({ stage }) => stage));
}

function plannedStage(kind: StageKind, { input, work }: StageDraft<Record<string, unknown>>): PlannedStage {
  const needs = [...new Set(kind.needs(input))];
  const stage = { id: kind.id(input), kind: kind.type, needs, work, input, ...kind.about(input) };
  return { stage, networks: kind.networks?.(input) ?? [] };
}

/** Moves each stage behind those that it needs, and otherwise keeps their order. */
function inOrder(stages: readonly StagePlan[]): StagePlan[] {
  const ordered: StagePlan[] = [];
  const done = new Set<string>();
  while (ordered.length < stages.length) {
    const next = stages.filter(({ id, needs }) => !done.has(id) && needs.every((need) => done.has(need)));
    if (next.length === 0) throw new Error('the needs of the stages form a cycle');
    ordered.push(...next);
    for (const { id } of next) done.add(id);
  }
  return ordered;
}
