import {
  DistilleryError,
  isSweepOver,
  projectOf,
  type SweepRecord,
  type SweepState,
  type TrialRecord,
} from '@distillery/spec';
import { type Client, guarded } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import { countBeyond, run } from '../redis/script.ts';
import { changeSweepScript, createSweepScript, removeSweepScript } from '../scripts/sweeps.ts';
import { idempotencySeconds } from './idempotency.ts';
import { isId, newId } from './job-id.ts';
import { conflictOf, type Idempotency, type Owner } from './jobs.ts';

/** What a sweep is created from. */
export type NewSweepRecord = Omit<SweepRecord, 'state' | 'version' | 'createdAt' | 'finishedAt'>;

/** What changes of a sweep. */
export interface SweepChange {
  state?: SweepState;
  /** The trials that change, by their index. */
  trials?: ReadonlyMap<number, TrialRecord>;
}

export interface SweepQuery {
  state?: SweepState | undefined;
  owner?: string | undefined;
  /** Sweeps of the owners of this project. */
  project?: string | undefined;
  /** 1 to 100, default 20. */
  limit?: number | undefined;
  /** `next` of the page before. */
  after?: string | undefined;
}

/** The records of sweeps. */
export function sweepRecords(redis: Client, keys: Keys) {
  async function read(id: string): Promise<SweepRecord> {
    const fields = isId('sweep', id) ? await redis.hgetall(keys.sweep(id)) : {};
    if (fields.id === undefined) throw notFound(id);
    const head = JSON.parse(fields.head) as Omit<NewSweepRecord, 'trials'> & { count: number };
    const { count, ...constant } = head;
    return {
      ...constant,
      state: fields.state as SweepState,
      version: Number(fields.version),
      createdAt: fields.createdAt,
      finishedAt: fields.finishedAt ?? null,
      trials: Array.from({ length: count }, (_, i) => JSON.parse(fields[`t:${i}`]) as TrialRecord),
    };
  }

  return {
    newId: () => newId('sweep'),

    /**
     * Creates a sweep, or returns the one that the same key and body created before.
     *
     * @throws DistilleryError `idempotency_conflict` when the key was used with another body; `quota_exceeded`
     */
    create: guarded(
      async (
        { trials, ...head }: NewSweepRecord,
        owner: Owner | undefined,
        idempotency?: Idempotency,
      ): Promise<{ sweep: SweepRecord; replayed: boolean }> => {
        const { id } = head;
        const fields = {
          id,
          state: 'running',
          createdAt: new Date().toISOString(),
          head: JSON.stringify({ ...head, count: trials.length }),
          ...(owner && { owner: owner.name }),
          ...trialFields(trials.entries()),
        };
        const [outcome, created] = (await run(
          redis,
          createSweepScript,
          [
            keys.sweep(id),
            keys.sweeps,
            keys.sweepsLive,
            keys.idempotency(`sweeps: ${idempotency?.key ?? ''}`, owner?.name),
            ...(owner ? [keys.sweepsOf(owner.name)] : []),
          ],
          [
            id,
            idempotency?.digest ?? '',
            idempotencySeconds,
            owner?.name ?? '-',
            owner?.jobs ?? '',
            keys.sweep(''),
            ...Object.entries(fields).flat(),
          ],
        ).catch((error: unknown) => {
          throw conflictOf(error) ?? overQuota(error, owner) ?? error;
        })) as ['created' | 'replayed', string];
        return { sweep: await read(created), replayed: outcome === 'replayed' };
      },
    ),

    /**
     * The sweep that an owner's request with this key has created, if it still exists. It is looked up before trials are planned.
     *
     * @throws DistilleryError `idempotency_conflict` when the key was used with another body
     */
    replay: guarded(
      async ({ key, digest }: Idempotency, owner?: string): Promise<SweepRecord | undefined> => {
        const [known, id] = await redis.hmget(keys.idempotency(`sweeps: ${key}`, owner), 'digest', 'sweep');
        if (!known || !id || (await redis.exists(keys.sweep(id))) === 0) return undefined;
        if (known !== digest) throw conflictOf(new Error('CONFLICT the key was used with another body'));
        return read(id);
      },
    ),

    /** @throws DistilleryError `sweep_not_found` */
    get: guarded(read),

    /** Lists sweeps, newest first. */
    list: guarded(
      async ({
        state,
        owner,
        project,
        limit = 20,
        after,
      }: SweepQuery): Promise<{ sweeps: SweepRecord[]; next: string | null }> => {
        const index = owner === undefined ? keys.sweeps : keys.sweepsOf(owner);
        const found: SweepRecord[] = [];
        let from = after === undefined ? '+' : `(${after}`;
        while (found.length <= limit) {
          const ids = await redis.zrevrangebylex(index, from, '-', 'LIMIT', 0, limit + 1);
          for (const id of ids) {
            if (state !== undefined && (await redis.hget(keys.sweep(id), 'state')) !== state) continue;
            const sweep = await read(id).catch((error: unknown) => {
              // It was deleted meanwhile.
              if (error instanceof DistilleryError && error.code === 'sweep_not_found') return undefined;
              throw error;
            });
            if (sweep === undefined) continue;
            if (project === undefined || projectOf(sweep.owner) === project) found.push(sweep);
            if (found.length > limit) break;
          }
          if (ids.length <= limit) break;
          from = `(${ids[ids.length - 1]}`;
        }
        const sweeps = found.slice(0, limit);
        return { sweeps, next: found.length > limit ? (sweeps.at(-1)?.id ?? null) : null };
      },
    ),

    /** The ids of the sweeps that have not ended. */
    live: guarded(async (): Promise<string[]> => {
      const members = await redis.zrange(keys.sweepsLive, '0', '-1');
      return members.map((member) => member.slice(member.indexOf(' ') + 1));
    }),

    /**
     * Changes a sweep, as decided from the record that was read.
     *
     * @returns false where another process has changed it since, so that nothing is written and the decision is to be made anew
     * @throws DistilleryError `sweep_not_found`
     */
    change: guarded(
      async ({ id, owner, version }: SweepRecord, { state, trials }: SweepChange): Promise<boolean> => {
        const over = state !== undefined && isSweepOver(state);
        const pairs = {
          ...(state !== undefined && { state }),
          ...(over && { finishedAt: new Date().toISOString() }),
          ...trialFields(trials ?? []),
        };
        const args = [version, id, owner ?? '-', over ? '1' : '', ...Object.entries(pairs).flat()];
        const changed = await run(redis, changeSweepScript, [keys.sweep(id), keys.sweepsLive], args);
        if (changed === -1) throw notFound(id);
        return changed !== 0;
      },
    ),

    /** Deletes the record of a sweep. */
    remove: guarded(async ({ id, owner }: Pick<SweepRecord, 'id' | 'owner'>): Promise<void> => {
      const own = owner === null ? [] : [keys.sweepsOf(owner)];
      const all = [keys.sweep(id), keys.sweeps, keys.sweepsLive, ...own];
      await run(redis, removeSweepScript, all, [id, owner ?? '-']);
    }),
  };
}
export type Sweeps = ReturnType<typeof sweepRecords>;

function trialFields(trials: Iterable<[number, TrialRecord]>): Record<string, string> {
  return Object.fromEntries([...trials].map(([index, trial]) => [`t:${index}`, JSON.stringify(trial)]));
}

function notFound(id: string): DistilleryError {
  return new DistilleryError('sweep_not_found', `there is no sweep ${JSON.stringify(id.slice(0, 100))}`);
}

function overQuota(error: unknown, owner: Owner | undefined): DistilleryError | undefined {
  const count = countBeyond('QUOTA', error);
  if (count === undefined || owner === undefined) return undefined;
  const message = `${owner.name} has ${count} unfinished sweeps and may have ${owner.jobs}: wait until one has ended`;
  return new DistilleryError('quota_exceeded', message, { cause: error });
}
