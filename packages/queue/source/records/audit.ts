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

/**
 * The audit log: changes and refusals, each with the key that asked for it.
 *
 * @param kept how many entries are kept, approximately
 */
export function auditLog(redis: Client, keys: Keys, kept: number) {
  return {
    record: guarded(async (entry: NewAuditEntry): Promise<void> => {
      const pairs = Object.entries(entry).filter(([, value]) => value !== null);
      await redis.xadd(keys.audit, 'MAXLEN', '~', kept, '*', ...pairs.flat().map(String));
    }),

    /** @param after `next` of the page before */
    read: guarded(async ({ limit, after }: { limit: number; after?: string }): Promise<AuditPage> => {
      const from = after === undefined ? '+' : `(${after}`;
      const found = await redis.xrevrange(keys.audit, from, '-', 'COUNT', limit + 1);
      const entries = found.slice(0, limit).map(([id, pairs]) => entryOf(id, entryFields(pairs)));
      return { entries, next: found.length > limit ? (entries.at(-1)?.id ?? null) : null };
    }),
  };
}
export type Audit = ReturnType<typeof auditLog>;

function entryOf(id: string, fields: Record<string, string | undefined>): AuditEntry {
  const { key = null, owner = null, action = '', job = null, status, code = null } = fields;
  const { request = null, address = null } = fields;
  const time = new Date(Number.parseInt(id, 10)).toISOString();
  const answered = status === undefined ? null : Number(status);
  return { id, time, key, owner, action, job, status: answered, code, request, address };
}
