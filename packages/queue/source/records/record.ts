import type {
  JobPlan,
  JobState,
  JobView,
  Reason,
  StagePlan,
  StageProgress,
  StageState,
  StageView,
} from '@distillery/spec';
import { etaSeconds, percent, type StageMeasure } from './estimate.ts';
import { skippedDataOf, warningsOf } from './warnings.ts';

/** The hash of a job as Redis gives it; scripts/prelude.ts lists its fields. */
export type Fields = Record<string, string>;

/** A job as it is when it is created. */
export interface NewRecord {
  id: string;
  name: string | null;
  labels: Record<string, string>;
  /** The name of the API key that submitted it; null while keys are off. */
  owner?: string | null;
  /** -10 to 10, default 0. */
  priority?: number;
  plan: JobPlan;
}

/** The fields of the record of a new job. */
export function initialFields({ id, name, labels, owner = null, priority = 0, plan }: NewRecord): Fields {
  const { stages } = plan;
  const fields: Fields = {
    id,
    labels: JSON.stringify(labels),
    priority: String(priority),
    state: 'queued',
    plan: JSON.stringify(plan),
    stages: stages.map((stage) => stage.id).join(' '),
  };
  if (name !== null) fields.name = name;
  if (owner !== null) fields.owner = owner;
  for (const [order, stage] of stages.entries()) {
    fields[`s:${stage.id}:order`] = String(order).padStart(6, '0');
    fields[`s:${stage.id}:state`] = stage.needs.length === 0 ? 'queued' : 'waiting';
    fields[`s:${stage.id}:kind`] = stage.kind;
    fields[`s:${stage.id}:needs`] = stage.needs.join(' ');
    fields[`s:${stage.id}:attempt`] = '0';
  }
  return fields;
}

/** The record as it was when the job was created. */
export function asCreated(fields: Fields): Fields {
  const created = initialFields({
    id: fields.id,
    name: fields.name ?? null,
    labels: JSON.parse(fields.labels) as Record<string, string>,
    owner: fields.owner ?? null,
    priority: priorityOf(fields),
    plan: planOf(fields),
  });
  return { ...created, createdAt: fields.createdAt, version: '1' };
}

function priorityOf({ priority }: Fields): number {
  return Number(priority ?? 0);
}

/** The plan as it was stored. Versions before plans had one stored the list of stages alone. */
export function planOf(fields: Fields): JobPlan {
  const plan = JSON.parse(fields.plan) as JobPlan | StagePlan[];
  return Array.isArray(plan) ? { version: 0, distillery: 'an earlier version', stages: plan } : plan;
}

export function viewOf(fields: Fields): JobView {
  const plans = planOf(fields).stages;
  const measures = plans.map((plan) => measureOf(fields, plan));
  const state = fields.state as JobState;
  const running = measures.filter((stage) => stage.state === 'running');
  return {
    id: fields.id,
    name: fields.name ?? null,
    labels: JSON.parse(fields.labels) as Record<string, string>,
    owner: fields.owner ?? null,
    state,
    priority: priorityOf(fields),
    phase: running.length === 0 ? null : running.map(({ id }) => id).join(', '),
    progress: state === 'succeeded' ? 100 : percent(measures),
    etaSeconds: state === 'running' ? etaSeconds(measures) : null,
    reason: json<Reason>(fields.reason),
    createdAt: time(fields.createdAt) as string,
    startedAt: time(fields.startedAt),
    finishedAt: time(fields.finishedAt),
    warnings: warningsOf(fields),
    skippedData: skippedDataOf(fields),
    stages: plans.map((plan) => stageView(fields, plan)),
  };
}

function stageView(fields: Fields, { id, kind, needs, network, seed }: StagePlan): StageView {
  const field = (name: string) => fields[`s:${id}:${name}`];
  return {
    id,
    kind,
    network: network ?? null,
    seed: seed ?? null,
    state: field('state') as StageState,
    needs,
    attempt: Number(field('attempt')),
    worker: field('worker') ?? null,
    startedAt: time(field('startedAt')),
    finishedAt: time(field('finishedAt')),
    progress: json<StageProgress>(field('progress')),
    reason: json<Reason>(field('reason')),
  };
}

function measureOf(fields: Fields, { id, work }: StagePlan): StageMeasure {
  const field = (name: string) => fields[`s:${id}:${name}`];
  const state = field('state') as StageState;
  const number = (name: string) => (field(name) === undefined ? null : Number(field(name)));
  const [fromFraction, fromTime] = field('from')?.split('@').map(Number) ?? [];
  return {
    id,
    work,
    state,
    fraction: state === 'succeeded' ? 1 : (json<StageProgress>(field('progress'))?.fraction ?? 0),
    startedAt: number('startedAt'),
    finishedAt: number('finishedAt'),
    measuredAt: number('progressAt'),
    from: fromTime === undefined ? null : { fraction: fromFraction, at: fromTime },
  };
}

function time(milliseconds: string | undefined): string | null {
  return milliseconds === undefined ? null : new Date(Number(milliseconds)).toISOString();
}

function json<T>(text: string | undefined): T | null {
  return text === undefined || text === '' ? null : (JSON.parse(text) as T);
}
