import type { Upload } from '@distillery/spec';
import type { Store } from '@distillery/store';
import { endOf, lastPart } from './parts.ts';
import { type About, partsLog, whole } from './record.ts';
import type { UploadRules } from './rules.ts';

/** Describes an upload as it is now. */
export async function viewOf(store: Store, about: About, { keepMs }: UploadRules): Promise<Upload> {
  const done = await whole(store, about);
  const part = done === undefined ? await lastPart(store, partsLog(about)) : undefined;
  const last = done?.at ?? part?.at ?? about.createdAt;
  return {
    ...about,
    offset: done === undefined ? endOf(part) : about.size,
    state: done === undefined ? 'receiving' : 'complete',
    digest: done?.digest ?? null,
    expiresAt: new Date(Date.parse(last) + keepMs).toISOString(),
  };
}
