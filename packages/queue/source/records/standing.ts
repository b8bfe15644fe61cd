import { type Pace, paceOf, type Paces } from '@distillery/spec';
import type { Client } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import { secondsOf, type Waiting } from './estimate.ts';
import { capabilitiesOf, type Workers } from './workers.ts';

/** Another job's claim on the workers. */
export interface Claim extends Waiting {
  /** The seconds that its unfinished stages take on one trainer. */
  seconds: number;
  /** Of these, the seconds of the stages that run now. */
  runningSeconds: number;
}

/** What the whole service has to do, and with what. */
export interface Standing {
  /** The stages that the running workers can run at once. */
  slots: number;
  /** What each running worker is capable of. */
  capabilities: string[][];
  paces: Paces;
  backlog: Claim[];
}

/** How long a reading serves, in ms: a page that many people watch does not read it for each of them. */
const freshMs = 1000;

/** Reads the standing of the service, at most once a second. */
export function standingReader(redis: Client, keys: Keys, workers: Workers): () => Promise<Standing> {
  let last: { at: number; standing: Promise<Standing> } | undefined;

  async function read(): Promise<Standing> {
    const [backlog, running, kinds, live] = await Promise.all([
      redis.hgetall(keys.backlog),
      redis.hgetall(keys.running),
      redis.hgetall(keys.pace),
      workers.list(),
    ]);
    const paces: Paces = { kinds: pacesOf(kinds), gigaflops: medianSpeed(live) };
    const claims = new Map(Object.entries(backlog).map(([id, text]) => [id, claimOf(id, text, paces)]));
    const stages = Object.values(running).map((text) => text.split(' '));
    const fields = await Promise.all(
      stages.map(([id, stage]) =>
        redis.hmget(
          keys.job(id),
          ...['kind', 'work', 'fraction', 'from'].map((name) => `s:${stage}:${name}`),
        ),
      ),
    );
    for (const [i, [kind, work, fraction, from]] of fields.entries()) {
      const claim = claims.get(stages[i][0]);
      if (claim === undefined || !kind) continue;
      const pace = paceOf(kind, paces);
      const done = secondsOf(pace, 0, Number(work) * Number(fraction)) + (from ? pace.before : 0);
      claim.seconds = Math.max(0, claim.seconds - done);
      claim.runningSeconds += Math.max(0, secondsOf(pace, 1, Number(work)) - done);
    }
    return {
      slots: live.reduce((sum, { trainers = 1 }) => sum + trainers, 0),
      capabilities: live.map(capabilitiesOf),
      paces,
      backlog: [...claims.values()],
    };
  }

  return () => {
    if (last !== undefined && Date.now() - last.at < freshMs) return last.standing;
    const standing = read();
    last = { at: Date.now(), standing };
    standing.catch(() => {
      last = undefined;
    });
    return standing;
  };
}

function claimOf(id: string, text: string, paces: Paces): Claim {
  const [rank, owner, begun, ...kinds] = text.split(' ');
  const seconds = kinds.reduce((sum, part) => {
    const [kind, stages, work] = part.split(':');
    return sum + secondsOf(paceOf(kind, paces), Number(stages), Number(work));
  }, 0);
  return { id, rank: Number(rank), owner, begun: begun === '0', seconds, runningSeconds: 0 };
}

/** The paces of the hash that scripts/work-lists.ts writes. */
function pacesOf(fields: Record<string, string>): Record<string, Pace> {
  const kinds = [...new Set(Object.keys(fields).map((field) => field.split(':')[0]))];
  const number = (name: string) => (fields[name] === undefined ? null : Number(fields[name]));
  return Object.fromEntries(
    kinds.map((kind) => [
      kind,
      {
        before: number(`${kind}:before`) ?? 0,
        after: number(`${kind}:after`) ?? 0,
        perWork: number(`${kind}:perWork`),
      },
    ]),
  );
}

function medianSpeed(workers: Awaited<ReturnType<Workers['list']>>): number | undefined {
  const speeds = workers
    .flatMap(({ engine }) => (engine.gigaflops === null ? [] : [engine.gigaflops]))
    .sort((a, b) => a - b);
  return speeds[Math.floor(speeds.length / 2)];
}
