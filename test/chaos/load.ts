import { setTimeout as delay } from 'node:timers/promises';
import type { RandomStream } from '@distillery/engine';
import { isTerminal, type JobSpecInput, type JobState, type JobView } from '@distillery/spec';
import type { Asking } from './asking.ts';
import type { JobFacts } from './facts.ts';
import { mayFail } from './invariants.ts';

export interface Load {
  /** Every 202: a key that was sent again has one for each answer. */
  answers: { key: string; id: string }[];
  /** Jobs that were accepted and not deleted. */
  states: Map<string, JobState>;
  /** What was known of the deleted ones. */
  deleted: JobFacts[];
  /** What people asked for, by order. */
  orders: Record<string, number>;
  /** Submits and interferes until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Resumes and retries until every job has succeeded; those that have not within `patienceMs`. */
  finish(patienceMs: number): Promise<string[]>;
}

export interface LoadOptions {
  asking: Asking;
  jobs: readonly { name: string; spec: JobSpecInput }[];
  /** Jobs at once. */
  open: number;
  /** Jobs in all. */
  most: number;
  random: RandomStream;
  factsOf: (id: string) => Promise<JobFacts>;
}

/** People: they submit jobs, look at them, and change their minds. */
export function startLoad({ asking, jobs, open, most, random, factsOf }: LoadOptions): Load {
  const states = new Map<string, JobState>();
  const answers: Load['answers'] = [];
  const deleted: JobFacts[] = [];
  const orders: Record<string, number> = {};
  let submitted = 0;

  const inState = (holds: (state: JobState) => boolean) =>
    [...states].filter(([, state]) => holds(state)).map(([id]) => id);

  async function submit(): Promise<void> {
    const { name, spec } = jobs[submitted % jobs.length];
    const key = `${name}/${submitted++}`;
    // Some people do not trust the first answer.
    for (let times = random.below(4) === 0 ? 2 : 1; times > 0; times--) {
      const { status, body } = await asking.ask('POST', '/v1/jobs', { body: spec, key });
      const { id, state } = body as unknown as JobView;
      if (status !== 202) throw new Error(`${key} was answered with ${status}: ${JSON.stringify(body)}`);
      answers.push({ key, id });
      states.set(id, state);
    }
  }

  async function look(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const { status, body } = await asking.ask('GET', `/v1/jobs/${id}`);
      // One that is gone keeps its state: whoever checks will not find it.
      if (status === 200) states.set(id, body.state as JobState);
    }
  }

  async function order(what: 'cancel' | 'pause' | 'resume' | 'retry', id: string): Promise<void> {
    const { status, body } = await asking.ask('POST', `/v1/jobs/${id}/${what}`);
    // Its state may have changed meanwhile: 409.
    if (status !== 200) return;
    orders[what] = (orders[what] ?? 0) + 1;
    states.set(id, body.state as JobState);
  }

  async function remove(id: string): Promise<void> {
    const facts = await factsOf(id);
    const { status } = await asking.ask('DELETE', `/v1/jobs/${id}`);
    // 404: it was deleted, and the answer lost.
    if (status !== 204 && status !== 404) return;
    orders.delete = (orders.delete ?? 0) + 1;
    deleted.push(facts);
    states.delete(id);
  }

  async function interfere(): Promise<void> {
    const [dice, pick] = [random.uniform(), random.uniform()];
    const choose = (ids: string[]) => ids[Math.floor(pick * ids.length)];
    const of = (...wanted: JobState[]) => choose(inState((state) => wanted.includes(state)));
    if (dice < 0.2) await maybe(of('queued', 'running'), (id) => order('cancel', id));
    else if (dice < 0.45) await maybe(of('queued', 'running'), (id) => order('pause', id));
    else if (dice < 0.7) await maybe(of('pausing', 'paused'), (id) => order('resume', id));
    else if (dice < 0.85) await maybe(of('cancelled', 'failed'), (id) => order('retry', id));
    else await maybe(of('succeeded', 'cancelled'), remove);
  }

  return {
    answers,
    states,
    deleted,
    orders,
    async run(signal) {
      for (let round = 0; !signal.aborted; round++) {
        const now = inState((state) => !isTerminal(state));
        if (now.length < open && submitted < most) await submit();
        else if (round % 4 === 0) await interfere();
        else await look(now);
        await delay(400, undefined, { signal }).catch(() => {});
      }
    },
    async finish(patienceMs) {
      const end = Date.now() + patienceMs;
      for (;;) {
        await look([...states.keys()].filter((id) => states.get(id) !== 'succeeded'));
        for (const [id, state] of states) {
          if (state === 'paused') await order('resume', id);
          else if (state === 'cancelled' || (state === 'failed' && (await excused(id))))
            await order('retry', id);
        }
        const left = inState((state) => state !== 'succeeded');
        if (left.length === 0 || Date.now() > end) return left;
        await delay(500);
      }
    },
  };

  async function excused(id: string): Promise<boolean> {
    const { body } = await asking.ask('GET', `/v1/jobs/${id}`);
    const { reason } = body as unknown as JobView;
    return reason === null || mayFail(reason.code);
  }
}

async function maybe<T>(found: T | undefined, then: (found: T) => Promise<void>): Promise<void> {
  if (found !== undefined) await then(found);
}
