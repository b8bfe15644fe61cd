import type { AuditEntry } from '@distillery/spec';
import { type Client, guarded } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import { entryFields } from '../redis/stream.ts';

export type NewAuditEntry = Omit<AuditEntry, 'id' | 'time'>;

export interface AuditPage {
  /** Newest first. */
  entries: AuditEntry[];
  /** `after` of the next page; null on the last one. */
  next: string | null;
}

const keptRefusals = 10_000;

/**
 * The audit log: changes, and the last 10 000 refusals, each with the key that asked for it. They are kept
 * apart, so that requests that are refused, which people without a key can send, displace no change.
 *
 * @param keptChanges how many changes are kept, approximately
 */
export function auditLog(redis: Client, keys: Keys, keptChanges: number) {
  return {
    record: guarded(async (entry: NewAuditEntry): Promise<void> => {
      const pairs = Object.entries(entry).filter(([, value]) => value !== null);
      const refused = entry.status !== null && entry.status >= 400;
      const [stream, kept] = refused ? [keys.refusals, keptRefusals] : [keys.audit, keptChanges];
      await redis.xadd(stream, 'MAXLEN', '~', kept, '*', ...pairs.flat().map(String));
    }),

    /**
     * Reads changes and refusals. A page has one entry more than `limit` where its last two have the same id, so that the
     * next page, which begins behind that id, misses none.
     *
     * @param after `next` of the page before
     */
    read: guarded(async ({ limit, after }: { limit: number; after?: string }): Promise<AuditPage> => {
      const from = after === undefined ? '+' : `(${after}`;
      const read = (stream: string) => redis.xrevrange(stream, from, '-', 'COUNT', limit + 2);
      const found = (await Promise.all([read(keys.audit), read(keys.refusals)])).flat();
      found.sort(([a], [b]) => compareIds(b, a));
      const size = limit < found.length && found[limit - 1][0] === found[limit][0] ? limit + 1 : limit;
      const entries = found.slice(0, size).map(([id, pairs]) => entryOf(id, entryFields(pairs)));
      return { entries, next: found.length > size ? (entries.at(-1)?.id ?? null) : null };
    }),
  };
}
export type Audit = ReturnType<typeof auditLog>;

/** Compares two ids of streams: milliseconds and a number, joined by a dash. */
function compareIds(a: string, b: string): number {
  const [aTime, aNumber] = a.split('-').map(Number);
  const [bTime, bNumber] = b.split('-').map(Number);
  return aTime - bTime || aNumber - bNumber;
}

function entryOf(id: string, fields: Record<string, string | undefined>): AuditEntry {
  const { key = null, owner = null, action = '', job = null, status, code = null } = fields;
  const { request = null, address = null, count } = fields;
  const time = new Date(Number.parseInt(id, 10)).toISOString();
  const answered = status === undefined ? null : Number(status);
  return {
    id,
    time,
    key,
    owner,
    action,
    job,
    status: answered,
    code,
    request,
    address,
    count: count === undefined ? null : Number(count),
  };
}
