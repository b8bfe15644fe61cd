/** The entry of the planning thread. It checks specs, describes data sets and plans jobs for `planner.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import {
  DistilleryError,
  type ErrorCode,
  type FieldError,
  type JobPlan,
  type JobSpec,
  presentable,
  refusedInput,
} from '@distillery/spec';
import { openStore } from '@distillery/store';
import { jobSpec } from '../kinds.ts';
import { loadPlugins } from '../plugins.ts';
import { type PlanContext, planJob } from './plan.ts';

/** What the thread is started with. */
export interface PlannerData {
  /** The folder with the decoded copies of data sets. */
  cacheDir: string;
  /** The folders that job specs may read. */
  roots: readonly string[];
  /** The artifact store, which holds the weights of stored teachers: its URL, or the path of a folder. */
  store: string;
  /** The modules whose kinds join the built-in ones. */
  plugins: readonly string[];
}

/** The facts about running workers that planning uses. */
export type WorkerFacts = Pick<PlanContext, 'gigaflops' | 'paces' | 'running' | 'bfloat16Refusal'>;

export interface PlanRequest {
  id: number;
  /** The spec as JSON. Text, because a deeply nested value cannot be sent to a thread. */
  text: string;
  workers: WorkerFacts;
  wanted: 'job' | 'view';
}

/** A spec with its defaults filled in, and its plan as workers run it. */
export interface PlannedJob {
  spec: JobSpec;
  plan: JobPlan;
}

/** The answer to a request, or a warning. `code` is null for an error that is not a DistilleryError. */
export type PlanAnswer =
  | { id: number; result: PlannedJob | string }
  | {
      id: number;
      failure: { code: ErrorCode | null; message: string; fields: FieldError[] | undefined; stack: string };
    }
  | { warning: string };

const answer = (message: PlanAnswer) => parentPort?.postMessage(message);
const ready = start(workerData as PlannerData | null);
// A failure is reported for each request.
ready.catch(() => {});

parentPort?.on('message', (request: PlanRequest) => void respond(request));

async function respond({ id, ...request }: PlanRequest): Promise<void> {
  try {
    answer({ id, result: await planned(request, await ready) });
  } catch (error) {
    const { message, stack = message } = error as Error;
    const { code = null, fields } = error instanceof DistilleryError ? error : {};
    answer({ id, failure: { code, message, fields: fields && presentable(fields), stack } });
  }
}

async function start(data: PlannerData | null): Promise<PlanContext> {
  if (data === null) throw new Error('the planning thread was started without its data');
  const { plugins, store, ...context } = data;
  await loadPlugins(plugins);
  return { ...context, store: await openStore(store, { warn: (warning) => answer({ warning }) }) };
}

async function planned(
  { text, workers, wanted }: Omit<PlanRequest, 'id'>,
  context: PlanContext,
): Promise<PlannedJob | string> {
  const posted: unknown = text === '' ? undefined : JSON.parse(text);
  const parsed = jobSpec.safeParse(posted);
  if (!parsed.success) throw refusedInput('invalid_spec', parsed.error, posted);
  const { resolved, plan } = await planJob(parsed.data, { ...context, ...workers });
  return wanted === 'view' ? JSON.stringify(plan) : { spec: parsed.data, plan: resolved };
}
