import type { AuditEntry } from '@distillery/spec';
import { type Listing, listing } from '../listing.ts';
import type { CallOptions, Transport } from '../transport.ts';

export interface AuditPage {
  entries: AuditEntry[];
  next: string | null;
}

/** The calls about the audit log. They need a key of scope `admin`. */
export function audit(transport: Transport) {
  return {
    /**
     * Lists changes and refused requests, newest first.
     *
     * @example
     * for (const { owner, action } of await client.audit.list().toArray(50)) console.log(owner, action);
     */
    list: (
      { after, ...query }: { limit?: number; after?: string } = {},
      options: CallOptions = {},
    ): Listing<AuditEntry, AuditPage> =>
      listing(
        (from = after) =>
          transport.json<AuditPage>({ path: '/v1/audit', query: { ...query, after: from }, ...options }),
        { items: (page) => page.entries, next: (page) => page.next },
      ),
  };
}
