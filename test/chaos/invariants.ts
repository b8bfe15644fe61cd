import { type ErrorCode, errorTable, isTerminal, type JobEvent, type JobState } from '@distillery/spec';
import type { JobFacts } from './facts.ts';
import type { Weights } from './reference.ts';

/** A broken promise: what is wrong, and where. */
export interface Violation {
  what: string;
  where: string;
}

type Check = (job: JobFacts) => string[];
type StageEvent = Extract<JobEvent, { type: 'stage' }>;

const millisecondsOf = ({ id }: JobEvent) => Number.parseInt(id, 10);

/** Returns whether a fault from outside can cause a failure with this code; such a job is retried. */
export function mayFail(code: string): boolean {
  return (
    code === 'disk_full' || code === 'artifact_corrupt' || (errorTable[code as ErrorCode]?.retryable ?? false)
  );
}

const terminal: Check = ({ view }) => {
  const open = view.stages
    .filter(({ state }) => !isTerminal(state))
    .map(({ id, state }) => `${id} is ${state}`);
  return isTerminal(view.state)
    ? open.map((stage) => `the job is ${view.state}, but ${stage}`)
    : [`the job is ${view.state}, which is not a terminal state`];
};

const digestsVerify: Check = ({ digests }) =>
  Object.entries(digests).flatMap(([digest, fault]) =>
    fault === null ? [] : [`a listed digest does not verify: ${digest}: ${fault}`],
  );

/** Events of a stage have its newest attempt, which increases by one. */
const attemptsRise: Check = ({ events, view }) => {
  const found: string[] = [];
  const newest = new Map<string, number>();
  for (const event of events) {
    if (event.type === 'job') continue;
    const { stage, attempt } = event;
    const before = newest.get(stage) ?? 0;
    if (attempt < before)
      found.push(`${event.type} of ${stage} from attempt ${attempt} after attempt ${before} started`);
    if (attempt > before + 1) found.push(`${stage} went from attempt ${before} to ${attempt}`);
    if (attempt > before && event.type !== 'stage') {
      found.push(`${event.type} of ${stage} from attempt ${attempt}, which had not started`);
    }
    newest.set(stage, Math.max(before, attempt));
  }
  for (const { id, attempt } of view.stages) {
    const reported = newest.get(id) ?? 0;
    if (reported !== attempt) found.push(`${id} is at attempt ${attempt}, its events at ${reported}`);
  }
  return found;
};

/** A row was stored between the start of its attempt and the next event of the stage; both times are Redis' clock. */
const rowsOfTheirAttempts: Check = ({ events, rows }) => {
  const spans = new Map<string, { from: number; to: number }>();
  const running = new Map<string, string>();
  for (const event of events.filter((one): one is StageEvent => one.type === 'stage')) {
    const at = millisecondsOf(event);
    const span = spans.get(running.get(event.stage) ?? '');
    if (span !== undefined) span.to = at;
    running.delete(event.stage);
    if (event.state !== 'running') continue;
    const key = `${event.stage} ${event.attempt}`;
    running.set(event.stage, key);
    spans.set(key, { from: at, to: Infinity });
  }
  return rows.flatMap(({ stage, attempt, at }) => {
    const span = spans.get(`${stage} ${attempt}`);
    if (span === undefined) return [`a metric row of ${stage} from attempt ${attempt}, which never started`];
    if (at >= span.from && at <= span.to) return [];
    return [`a metric row of ${stage} from attempt ${attempt} at ${at}, outside ${span.from} to ${span.to}`];
  });
};

/** A job ends once after each submission or retry, and no state follows its end. */
const oneEnd: Check = ({ events, view }) => {
  const states = events.flatMap((event) => (event.type === 'job' ? [event.state] : []));
  const found: string[] = [];
  let ended: JobState | undefined;
  for (const state of states) {
    if (ended !== undefined && state !== 'queued') found.push(`the job was ${state} after it had ${ended}`);
    ended = isTerminal(state) ? state : undefined;
  }
  if (states.at(-1) !== view.state)
    found.push(`the job is ${view.state}, its last event has ${states.at(-1)}`);
  return found;
};

/** A stage succeeds once, and once more after each time that it was queued again because its artifacts were lost. */
const stagesSucceedOnce: Check = ({ events, view }) =>
  view.stages.flatMap(({ id, state }) => {
    const states = events.flatMap((event) =>
      event.type === 'stage' && event.stage === id ? [event.state] : [],
    );
    const times = states.filter((one) => one === 'succeeded').length;
    const again = states.filter((one, index) => one === 'queued' && states[index - 1] === 'succeeded').length;
    const expected = again + (state === 'succeeded' ? 1 : 0);
    if (times === expected) return [];
    return [`${id} is ${state} and has ${times} success events, expected ${expected}`];
  });

const failsForExternalReasons: Check = ({ view, events }) => {
  const codes = [
    ...(view.reason === null ? [] : [view.reason.code]),
    ...events.flatMap((event) =>
      event.type === 'stage' && event.reason !== null ? [event.reason.code] : [],
    ),
  ];
  return [...new Set(codes)].filter((code) => !mayFail(code)).map((code) => `it failed with ${code}`);
};

const checks: readonly Check[] = [
  terminal,
  digestsVerify,
  attemptsRise,
  rowsOfTheirAttempts,
  oneEnd,
  stagesSucceedOnce,
  failsForExternalReasons,
];

/** Checks a job that faults and requests have interrupted. */
export function ofJob(job: JobFacts): Violation[] {
  const where = `${job.view.id} (${job.name})`;
  return checks.flatMap((check) => check(job).map((what) => ({ what, where })));
}

/** Checks that the weights are those of the same job without faults. */
export function ofWeights(job: JobFacts, reference: Weights | undefined): Violation[] {
  const where = `${job.view.id} (${job.name})`;
  if (job.weights === undefined) return [{ what: 'it has no report', where }];
  const names = new Set([...Object.keys(reference ?? {}), ...Object.keys(job.weights)]);
  return [...names].flatMap((name) => {
    const [is, was] = [job.weights?.[name], reference?.[name]];
    return is === was ? [] : [{ what: `weights of ${name} are ${is}, without faults ${was}`, where }];
  });
}

/** Checks that the indexes have every accepted job under its state, and no other job. */
export function ofIndexes(
  jobs: readonly { id: string; state: JobState }[],
  byState: Record<JobState, string[]>,
): Violation[] {
  const placed = Object.entries(byState).flatMap(([state, ids]) => ids.map((id) => ({ id, state })));
  const known = new Set(jobs.map(({ id }) => id));
  return [
    ...jobs.flatMap(({ id, state }) => {
      const states = placed.filter((one) => one.id === id).map((one) => one.state);
      return states.length === 1 && states[0] === state
        ? []
        : [{ what: `the job is ${state}, and listed as [${states}]`, where: id }];
    }),
    ...placed
      .filter(({ id }) => !known.has(id))
      .map(({ id, state }) => ({ what: `a job is listed as ${state} that no response named`, where: id })),
  ];
}

/** Checks that every idempotency key has created one job. */
export function ofKeys(answers: readonly { key: string; id: string }[]): Violation[] {
  const first = new Map<string, string>();
  return answers.flatMap(({ key, id }) => {
    const other = first.get(key) ?? id;
    first.set(key, other);
    return other === id ? [] : [{ what: `one Idempotency-Key has made ${other} and ${id}`, where: key }];
  });
}

/** What the store contains at the end. */
export interface StoreFacts {
  /** The names of checkpoint manifests. */
  checkpoints: readonly string[];
  /** The digests in manifests, each with the reason why its blob does not verify, or null. */
  digests: Record<string, string | null>;
  /** Incomplete and temporary files. */
  unfinished: readonly string[];
  /** The digests of orphaned blobs. */
  unnamed: readonly string[];
}

/** Checks the store after every job has succeeded or was deleted. */
export function ofStore({ checkpoints, digests, unfinished, unnamed }: StoreFacts): Violation[] {
  return [
    ...checkpoints.map((where) => ({ what: 'a checkpoint of a finished job is left', where })),
    ...Object.entries(digests).flatMap(([where, fault]) =>
      fault === null ? [] : [{ what: `a blob of a manifest does not verify: ${fault}`, where }],
    ),
    ...unfinished.map((where) => ({ what: 'a temporary file is left', where })),
    ...unnamed.map((where) => ({ what: 'an orphaned blob is left after the sweep', where })),
  ];
}
