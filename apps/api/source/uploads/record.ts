import { randomBytes } from 'node:crypto';
import { DistilleryError, sha256 } from '@distillery/spec';
import type { Store } from '@distillery/store';
import { uploadsFolder } from '@distillery/training';
import { z } from 'zod';
import type { PartsLog } from './parts.ts';

/**
 * An upload is a few create-only manifests of the store, so any number of API processes may receive its bytes:
 *
 *     uploads/<owner>/<id>             what it is
 *     uploads/<owner>/<id>.<offset>    bytes that were received from this offset on: a blob
 *     uploads/<owner>/<id>.whole       the whole file as one blob, once all bytes are there
 *
 * Of two requests that send the same bytes only one can create the manifest of their offset.
 */
const aboutSchema = z.object({
  id: z.string(),
  name: z.string(),
  owner: z.string().nullable(),
  size: z.int().min(0),
  createdAt: z.iso.datetime(),
});
export type About = z.output<typeof aboutSchema>;

const wholeSchema = z.object({ digest: z.string(), size: z.int(), at: z.iso.datetime() });
export type Whole = z.output<typeof wholeSchema>;

/** Whose uploads are asked for: those of a name, of requests without keys (null), or all (undefined). */
type Owner = string | null | undefined;

const folderOf = (owner: string | null) =>
  `${uploadsFolder}/${owner === null ? 'none' : sha256(owner).slice(0, 20)}`;
const nameOf = ({ owner, id }: Pick<About, 'owner' | 'id'>) => `${folderOf(owner)}/${id}`;

/** Where the parts of an upload are. */
export const partsLog = (about: About): PartsLog => ({
  folder: folderOf(about.owner),
  beginning: `${nameOf(about)}.`,
});

/** Begins an upload. */
export async function create(store: Store, given: Pick<About, 'name' | 'owner' | 'size'>): Promise<About> {
  const id = `upl_${randomBytes(12).toString('hex')}`;
  const about: About = { ...given, id, createdAt: new Date().toISOString() };
  await store.commit(nameOf(about), about, aboutSchema);
  return about;
}

/** @throws DistilleryError `upload_not_found` for an upload that is not there, or belongs to another owner */
export async function find(store: Store, id: string, owner: Owner): Promise<About> {
  if (/^upl_[0-9a-f]{24}$/.test(id)) {
    // Without keys all uploads have the owner null.
    const own = await store.manifest(nameOf({ owner: owner ?? null, id }), aboutSchema);
    if (own !== undefined) return own;
    const all = owner === undefined ? await store.list(uploadsFolder) : [];
    const name = all.find((one) => one.endsWith(`/${id}`));
    const found = name === undefined ? undefined : await store.manifest(name, aboutSchema);
    if (found !== undefined) return found;
  }
  throw new DistilleryError(
    'upload_not_found',
    `there is no upload ${JSON.stringify(id)}; it may have expired, begin it again`,
  );
}

/** Lists the uploads of an owner, the newest first. */
export async function list(store: Store, owner: Owner): Promise<About[]> {
  const names = await store.list(owner === undefined ? uploadsFolder : folderOf(owner));
  const found = await Promise.all(
    names.filter((name) => /\/upl_[0-9a-f]+$/.test(name)).map((name) => store.manifest(name, aboutSchema)),
  );
  return found.filter((about) => about !== undefined).sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
}

export async function whole(store: Store, about: About): Promise<Whole | undefined> {
  return await store.manifest(`${nameOf(about)}.whole`, wholeSchema);
}

/** Notes the blob of the whole file. Its parts are no longer needed. */
export async function setWhole(store: Store, about: About, blob: Omit<Whole, 'at'>): Promise<Whole> {
  const noted = { ...blob, at: new Date().toISOString() };
  const { manifest } = await store.commit(`${nameOf(about)}.whole`, noted, wholeSchema);
  return manifest;
}

/** Removes everything but the blobs. */
export async function remove(store: Store, about: About): Promise<void> {
  for (const name of await store.list(folderOf(about.owner))) {
    if (name.startsWith(`${nameOf(about)}.`)) await store.removeManifest(name);
  }
  await store.removeManifest(nameOf(about));
}
