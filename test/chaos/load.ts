import { setTimeout as delay } from 'node:timers/promises';
import type { RandomStream } from '@distillery/engine';
import { isTerminal, type JobSpecInput, type JobState, type JobView } from '@distillery/spec';
import type { PatientClient } from './patient-client.ts';
import type { JobFacts } from './facts.ts';
import { mayFail } from './invariants.ts';

export interface Load {
  /** Every 202 response; a repeated key has one for each response. */
  answers: { key: string; id: string }[];
  /** Jobs that were accepted and not deleted. */
  states: Map<string, JobState>;
  /** The facts about deleted jobs, read before they were deleted. */
  deleted: JobFacts[];
  /** The number of successful control requests by action. */
  controls: Record<string, number>;
  /** Submits and controls jobs until the signal aborts, and at least `least` jobs are submitted. */
  run(signal: AbortSignal, least: number): Promise<void>;
  /** Resumes and retries jobs until all have succeeded, with all their artifacts; returns those that have not within `patienceMs`. */
  finish(patienceMs: number): Promise<string[]>;
}

export interface LoadOptions {
  client: PatientClient;
  jobs: readonly { name: string; spec: JobSpecInput }[];
  /** The most unfinished jobs at a time. */
  open: number;
  /** The most jobs of a run. */
  most: number;
  random: RandomStream;
  factsOf: (id: string) => Promise<JobFacts>;
}

/** Simulates users, who submit, watch and control jobs. */
export function startLoad({ client, jobs, open, most, random, factsOf }: LoadOptions): Load {
  const states = new Map<string, JobState>();
  const answers: Load['answers'] = [];
  const deleted: JobFacts[] = [];
  const controls: Record<string, number> = {};
  let submitted = 0;

  const inState = (holds: (state: JobState) => boolean) =>
    [...states].filter(([, state]) => holds(state)).map(([id]) => id);

  async function submit(): Promise<void> {
    const { name, spec } = jobs[submitted % jobs.length];
    const key = `${name}/${submitted++}`;
    // A quarter of the users repeat the request.
    for (let times = random.below(4) === 0 ? 2 : 1; times > 0; times--) {
      const { status, body } = await client.ask('POST', '/v1/jobs', { body: spec, key });
      const { id, state } = body as unknown as JobView;
      if (status !== 202) throw new Error(`${key} got status ${status}: ${JSON.stringify(body)}`);
      answers.push({ key, id });
      states.set(id, state);
    }
  }

  async function look(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const { status, body } = await client.ask('GET', `/v1/jobs/${id}`);
      // A job that does not exist keeps its last state; the check at the end reports it.
      if (status === 200) states.set(id, body.state as JobState);
    }
  }

  async function control(action: 'cancel' | 'pause' | 'resume' | 'retry', id: string): Promise<void> {
    const { status, body } = await client.ask('POST', `/v1/jobs/${id}/${action}`);
    // 409: the state has changed meanwhile.
    if (status !== 200) return;
    controls[action] = (controls[action] ?? 0) + 1;
    states.set(id, body.state as JobState);
  }

  async function remove(id: string): Promise<void> {
    const facts = await factsOf(id);
    const { status } = await client.ask('DELETE', `/v1/jobs/${id}`);
    // 404: the job was deleted, but the response was lost.
    if (status !== 204 && status !== 404) return;
    controls.delete = (controls.delete ?? 0) + 1;
    deleted.push(facts);
    states.delete(id);
  }

  async function controlSome(): Promise<void> {
    const [dice, pick] = [random.uniform(), random.uniform()];
    const choose = (ids: string[]) => ids[Math.floor(pick * ids.length)];
    const of = (...wanted: JobState[]) => choose(inState((state) => wanted.includes(state)));
    if (dice < 0.2) await maybe(of('queued', 'running'), (id) => control('cancel', id));
    else if (dice < 0.45) await maybe(of('queued', 'running'), (id) => control('pause', id));
    else if (dice < 0.7) await maybe(of('pausing', 'paused'), (id) => control('resume', id));
    else if (dice < 0.85) await maybe(of('cancelled', 'failed'), (id) => control('retry', id));
    else await maybe(of('succeeded', 'cancelled'), remove);
  }

  return {
    answers,
    states,
    deleted,
    controls,
    async run(signal, least) {
      for (let round = 0; !signal.aborted || submitted < least; round++) {
        const now = inState((state) => !isTerminal(state));
        if (now.length < open && submitted < most) await submit();
        else if (round % 4 === 0) await controlSome();
        else await look(now);
        await delay(400);
      }
    },
    async finish(patienceMs) {
      const end = Date.now() + patienceMs;
      for (;;) {
        await look([...states.keys()].filter((id) => states.get(id) !== 'succeeded'));
        for (const [id, state] of states) {
          if (state === 'paused') await control('resume', id);
          else if (state === 'cancelled' || (state === 'failed' && (await failedExternally(id))))
            await control('retry', id);
        }
        const left = inState((state) => state !== 'succeeded');
        if (Date.now() > end) return left;
        // Artifacts of jobs that have succeeded were damaged, too: a retry makes them again, or answers 409 without a loss.
        if (left.length === 0) {
          for (const id of states.keys()) await control('retry', id);
          if (inState((state) => state !== 'succeeded').length === 0) return left;
        }
        await delay(500);
      }
    },
  };

  async function failedExternally(id: string): Promise<boolean> {
    const { body } = await client.ask('GET', `/v1/jobs/${id}`);
    const { reason } = body as unknown as JobView;
    return reason === null || mayFail(reason.code);
  }
}

async function maybe<T>(found: T | undefined, then: (found: T) => Promise<void>): Promise<void> {
  if (found !== undefined) await then(found);
}
