import { randomBytes } from 'node:crypto';
import { DistilleryError, sha256 } from '@distillery/spec';
import type { Store } from '@distillery/store';
import { uploadsFolder } from '@distillery/training';
import { z } from 'zod';

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

const partSchema = z.object({
  offset: z.int().min(0),
  size: z.int().min(1),
  digest: z.string(),
  at: z.iso.datetime(),
});
export type Part = z.output<typeof partSchema>;

const wholeSchema = z.object({ digest: z.string(), size: z.int(), at: z.iso.datetime() });
export type Whole = z.output<typeof wholeSchema>;

/** Whose uploads are asked for: those of a name, of requests without keys (null), or all (undefined). */
type Owner = string | null | undefined;

const folderOf = (owner: string | null) =>
  `${uploadsFolder}/${owner === null ? 'none' : sha256(owner).slice(0, 20)}`;
const nameOf = ({ owner, id }: Pick<About, 'owner' | 'id'>) => `${folderOf(owner)}/${id}`;
const partName = (about: About, offset: number) => `${nameOf(about)}.${String(offset).padStart(16, '0')}`;

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

/** The names of the parts in the order of their offsets. */
async function partNames(store: Store, about: About): Promise<string[]> {
  const beginning = `${nameOf(about)}.`;
  const names = await store.list(folderOf(about.owner));
  return names.filter((name) => name.startsWith(beginning) && /\.\d{16}$/.test(name));
}

/** The last part, without reading those before it: a large file has thousands. */
export async function lastPart(store: Store, about: About): Promise<Part | undefined> {
  const last = (await partNames(store, about)).at(-1);
  if (last === undefined) return undefined;
  return (await store.manifest(last, partSchema)) ?? (await parts(store, about)).at(-1);
}

/** The parts of an upload in the order of their offsets. */
export async function parts(store: Store, about: About): Promise<Part[]> {
  const found: Part[] = [];
  for (const name of await partNames(store, about)) {
    const part = await store.manifest(name, partSchema);
    // What follows a damaged entry counts as not received.
    if (part === undefined || part.offset !== endOf(found.at(-1))) break;
    found.push(part);
  }
  return found;
}

/** The offset behind the last part. */
export const endOf = (last: Part | undefined): number => (last === undefined ? 0 : last.offset + last.size);

/**
 * Notes bytes that were stored as a blob.
 *
 * @throws DistilleryError `upload_conflict` where another request has sent the bytes of this offset
 */
export async function addPart(store: Store, about: About, part: Omit<Part, 'at'>): Promise<Part> {
  const noted = { ...part, at: new Date().toISOString() };
  const { created } = await store.commit(partName(about, part.offset), noted, partSchema);
  if (created) return noted;
  throw new DistilleryError(
    'upload_conflict',
    `another request has sent the bytes from ${part.offset} on: ask for the offset by HEAD, and go on there`,
  );
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

export async function removeParts(store: Store, about: About, all: readonly Part[]): Promise<void> {
  for (const { offset } of all) await store.removeManifest(partName(about, offset));
}

/** Removes everything but the blobs. */
export async function remove(store: Store, about: About): Promise<void> {
  for (const name of await store.list(folderOf(about.owner))) {
    if (name.startsWith(`${nameOf(about)}.`)) await store.removeManifest(name);
  }
  await store.removeManifest(nameOf(about));
}
