import {
  type BestStudent,
  type JobPlan,
  type JobState,
  type JobSummary,
  type JobView,
  missingIn,
  type Reason,
  type StagePlan,
  type StageProgress,
  type StageState,
  type StageView,
  stageStates,
  type WaitingFor,
} from '@distillery/spec';
import { etaSeconds, type StageMeasure, type Waiting } from './estimate.ts';
import type { Standing } from './standing.ts';
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
  /** The ids of webhooks that are told of it; default none. */
  webhooks?: readonly string[] | undefined;
  /** The id of the request that posts it, by which logs are found. */
  request?: string | undefined;
}

/** The fields of the record of a new job. */
export function initialFields({
  id,
  name,
  labels,
  owner = null,
  priority = 0,
  plan,
  webhooks = [],
  request,
}: NewRecord): Fields {
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
  if (webhooks.length > 0) fields.webhooks = webhooks.join(' ');
  if (request !== undefined) fields.request = request;
  const shares = sharesOf(stages);
  for (const [order, stage] of stages.entries()) {
    fields[`s:${stage.id}:order`] = String(order).padStart(6, '0');
    fields[`s:${stage.id}:state`] = stage.needs.length === 0 ? 'queued' : 'waiting';
    fields[`s:${stage.id}:kind`] = stage.kind;
    fields[`s:${stage.id}:needs`] = stage.needs.join(' ');
    fields[`s:${stage.id}:attempt`] = '0';
    fields[`s:${stage.id}:work`] = String(stage.work);
    fields[`s:${stage.id}:share`] = String(shares[order]);
    if (stage.shares !== undefined) fields[`s:${stage.id}:shares`] = stage.shares;
    if (stage.requires !== undefined) fields[`s:${stage.id}:requires`] = stage.requires.join(',');
  }
  return fields;
}

/** The share of each stage in the progress of its job: by seconds, by work where these are unknown, or else equal ones. */
function sharesOf(stages: readonly StagePlan[]): number[] {
  const weights = stages.map(({ seconds, work }) => seconds ?? work);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => (total > 0 ? weight / total : 1 / stages.length));
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

/**
 * The view of a job.
 *
 * @param standing what the service has to do, for a job that is queued or runs
 */
export function viewOf(fields: Fields, standing?: Standing): JobView {
  const plans = planOf(fields).stages;
  const state = fields.state as JobState;
  const live = state === 'queued' || state === 'running' ? standing : undefined;
  const stages = plans.map((plan) => stageView(fields, plan, live));
  const running = stages.filter((stage) => stage.state === 'running');
  const next = stages.find((stage) => stage.state === 'queued');
  return {
    ...commonOf(fields),
    phase: running.length === 0 ? null : running.map(({ id }) => id).join(', '),
    waitingFor: running.length === 0 ? (next?.waitingFor ?? null) : null,
    missing: running.length === 0 ? (next?.missing ?? []) : [],
    etaSeconds:
      live === undefined
        ? null
        : etaSeconds(
            waitingOf(fields),
            plans.map((plan) => measureOf(fields, plan)),
            live,
          ),
    warnings: warningsOf(fields),
    skippedData: skippedDataOf(fields),
    stages,
  };
}

/** What the view and the summary of a job have in common. */
function commonOf(fields: Fields) {
  return {
    id: fields.id,
    name: fields.name ?? null,
    labels: JSON.parse(fields.labels) as Record<string, string>,
    owner: fields.owner ?? null,
    state: fields.state as JobState,
    priority: priorityOf(fields),
    progress: progressOf(fields),
    reason: json<Reason>(fields.reason),
    createdAt: time(fields.createdAt) as string,
    startedAt: time(fields.startedAt),
    finishedAt: time(fields.finishedAt),
  };
}

/** The fields of the record that a summary shows, in the order in which `summaryOf` takes them. */
export const summaryFields = [
  'id',
  'name',
  'labels',
  'owner',
  'state',
  'priority',
  'done',
  'reason',
  'createdAt',
  'startedAt',
  'finishedAt',
  'warnings',
  'counts',
  'best',
] as const;

/** The summary of a job. Its stages are not read: there may be thousands. */
export function summaryOf(fields: Fields): JobSummary {
  const counts = new Map(fields.counts?.split(' ').map((text) => text.split('=') as [string, string]));
  const countOf = (state: StageState) =>
    fields.counts === undefined
      ? Object.entries(fields).filter(([name, value]) => /^s:.*:state$/.test(name) && value === state).length
      : Number(counts.get(state) ?? 0);
  const stages = stageStates.map((state) => [state, countOf(state)]);
  return {
    ...commonOf(fields),
    best: json<BestStudent>(fields.best),
    warnings: Number(fields.warnings ?? 0),
    stages: Object.fromEntries(stages) as JobSummary['stages'],
  };
}

/** Percent of the work, to two decimal places; 100 only once the job has succeeded. */
function progressOf({ state, done = '0' }: Fields): number {
  return state === 'succeeded' ? 100 : Math.min(99.99, Math.round(Number(done) * 10_000) / 100);
}

function waitingOf(fields: Fields): Waiting {
  const { id, owner = '-', startedAt } = fields;
  return { id, rank: 10 - priorityOf(fields), owner, begun: startedAt !== undefined };
}

function stageView(fields: Fields, plan: StagePlan, standing: Standing | undefined): StageView {
  const { id, kind, needs, networks, seed } = plan;
  const field = (name: string) => fields[`s:${id}:${name}`];
  const state = field('state') as StageState;
  return {
    id,
    kind,
    networks: networks ?? [],
    seed: seed ?? null,
    state,
    waitingFor: waitingFor(state, plan, standing),
    missing:
      state === 'queued' && standing !== undefined
        ? missingIn(standing.capabilities, plan.requires ?? [])
        : [],
    needs,
    attempt: Number(field('attempt')),
    worker: field('worker') ?? null,
    startedAt: time(field('startedAt')),
    finishedAt: time(field('finishedAt')),
    progress: furthestOf(field('progress'), field('furthest')),
    reason: json<Reason>(field('reason')),
  };
}

function waitingFor(
  state: StageState,
  { requires = [] }: StagePlan,
  standing: Standing | undefined,
): WaitingFor {
  if (state === 'waiting') return 'stages';
  if (state !== 'queued' || standing === undefined) return null;
  if (standing.capabilities.length === 0) return 'worker';
  return missingIn(standing.capabilities, requires).length === 0 ? 'turn' : 'capability';
}

/** The progress of an attempt, with the share that any attempt has reached: one that resumes does not run backwards. */
export function furthestOf(progress: string | undefined, furthest: string | undefined): StageProgress | null {
  const own = json<StageProgress>(progress);
  return own && { ...own, fraction: Math.max(own.fraction, Number(furthest ?? 0)) };
}

function measureOf(fields: Fields, { id, kind, needs, work }: StagePlan): StageMeasure {
  const field = (name: string) => fields[`s:${id}:${name}`];
  const [fromFraction, fromTime] = field('from')?.split('@').map(Number) ?? [];
  return {
    id,
    kind,
    needs,
    work,
    state: field('state') as StageState,
    fraction: Number(field('fraction') ?? 0),
    furthest: Number(field('furthest') ?? 0),
    measuredAt: field('progressAt') === undefined ? null : Number(field('progressAt')),
    from: fromTime === undefined ? null : { fraction: fromFraction, at: fromTime },
  };
}

function time(milliseconds: string | undefined): string | null {
  return milliseconds === undefined ? null : new Date(Number(milliseconds)).toISOString();
}

function json<T>(text: string | undefined): T | null {
  return text === undefined || text === '' ? null : (JSON.parse(text) as T);
}
