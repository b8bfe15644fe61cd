import type { CurveRow, DistilleryQueue } from '@distillery/queue';
import type { Curve, Curves } from '@distillery/spec';
import { Thinned } from './thinned.ts';

export interface CurveQuery {
  stages: readonly string[];
  /** The most points of a curve. */
  points: number;
  /** `after` of an earlier answer: only rows behind it. */
  after?: string | undefined;
  /** Whether to answer after about a second with the part that has been read, instead of after all rows. Without `after` only. */
  partial?: boolean | undefined;
}

/** The curves of a stage up to a row. */
interface KnownStage {
  /** The last row that they hold; null before the first. */
  last: string | null;
  /** Where attempts had begun to write: another attempt has written rows anew. */
  begun: string;
  curves: Map<string, Thinned>;
  /** Whether they hold every row that was asked for. */
  complete: boolean;
}

/** The most memory for the curves that are kept between requests. */
const mostKeptBytes = 64 * 1024 * 1024;
/** The most points of one answer: a job with very many curves gets fewer points of each. */
const mostAnswered = 300_000;
/** How many stages are read at once. */
const atOnce = 8;

/**
 * Reads the curves of jobs from their rows of metrics. The thinned curves of a stage are kept, so that a later request reads
 * only the rows that have come since.
 *
 * @param partMs how long a request that takes a part reads, in milliseconds; it reads some thousand rows in any case
 */
export function curveReader({ metrics }: Pick<DistilleryQueue, 'metrics'>, { partMs = 1000 } = {}) {
  /** The stage that was asked for last comes last. */
  const kept = new Map<string, Promise<KnownStage>>();
  const sizes = new Map<string, number>();

  async function read(job: string, { stages, points, after, partial = false }: CurveQuery): Promise<Curves> {
    const { latest, begun } = await metrics.extent(job, stages);
    if (latest === null) return { curves: [], after: null, complete: true };
    const deadline = partial ? performance.now() + partMs : Number.POSITIVE_INFINITY;
    const known: [stage: string, found: KnownStage][] = [];
    for (let from = 0; from < stages.length; from += atOnce) {
      const some = stages.slice(from, from + atOnce).map(async (stage, i) => {
        const attempts = begun[from + i];
        const found =
          after === undefined
            ? await current(job, stage, attempts, latest, deadline)
            : await continued(job, stage, { ...nothing(attempts), last: after }, latest);
        return [stage, found] as [string, KnownStage];
      });
      known.push(...(await Promise.all(some)));
    }
    const count = known.reduce((sum, [, { curves }]) => sum + curves.size, 0);
    const most = Math.max(2, Math.min(points, Math.floor(mostAnswered / Math.max(1, count))));
    const curves = known.flatMap(([stage, found]) =>
      [...found.curves].map(([name, curve]): Curve => ({ stage, name, ...curve.points(most) })),
    );
    return { curves, after: latest, complete: known.every(([, { complete }]) => complete) };
  }

  /** One request after another goes on where the one before has come. */
  function current(
    job: string,
    stage: string,
    begun: string,
    latest: string,
    deadline: number,
  ): Promise<KnownStage> {
    const key = `${job} ${stage}`;
    const empty = nothing(begun);
    const before = kept.get(key)?.catch(() => empty) ?? Promise.resolve(empty);
    const now = before.then((known) =>
      continued(job, stage, known.begun === begun ? known : empty, latest, deadline),
    );
    kept.delete(key);
    kept.set(key, now);
    now.then(
      ({ curves }) => keep(job, key, now, curves),
      () => kept.get(key) === now && kept.delete(key),
    );
    return now;
  }

  async function continued(
    job: string,
    stage: string,
    known: KnownStage,
    latest: string,
    deadline = Number.POSITIVE_INFINITY,
  ): Promise<KnownStage> {
    const { begun, curves } = known;
    let { last } = known;
    for await (const { rows, end } of metrics.scan(job, stage, { after: last, until: latest, begun })) {
      for (const row of rows) add(curves, row);
      last = end;
      if (end !== latest && performance.now() > deadline) return { last, begun, curves, complete: false };
    }
    return { last, begun, curves, complete: true };
  }

  /** A job that is being read stays whole, so that reading it part by part comes to an end. */
  function keep(job: string, key: string, now: Promise<KnownStage>, curves: Map<string, Thinned>): void {
    if (kept.get(key) !== now) return;
    sizes.set(
      key,
      [...curves.values()].reduce((sum, { bytes }) => sum + bytes, 0),
    );
    let total = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
    for (const oldest of kept.keys()) {
      if (total <= mostKeptBytes) break;
      if (oldest.startsWith(`${job} `)) continue;
      total -= sizes.get(oldest) ?? 0;
      sizes.delete(oldest);
      kept.delete(oldest);
    }
  }

  return { read };
}

function nothing(begun: string): KnownStage {
  return { last: null, begun, curves: new Map(), complete: false };
}

function add(curves: Map<string, Thinned>, { step, epoch, values }: CurveRow): void {
  for (const name in values) {
    let curve = curves.get(name);
    if (curve === undefined) {
      curve = new Thinned();
      curves.set(name, curve);
    }
    curve.add(step, epoch, values[name]);
  }
}
