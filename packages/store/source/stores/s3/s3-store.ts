import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { canonicalJson } from '@distillery/spec/digest';
import { DistilleryError } from '@distillery/spec/errors';
import { hashOf, refuseOther } from '../../files/blob-file.ts';
import { withDraft } from '../../files/durable.ts';
import { layout, manifestSuffix } from '../../layout.ts';
import { manifestText, parseManifest } from '../../manifest.ts';
import { isDigest } from '../../names.ts';
import { satisfiableRange } from '../../range.ts';
import type { ManifestSchema, Store } from '../../store.ts';
import type { StoreContext } from '../../store-kind.ts';
import { Bucket } from './bucket.ts';
import { removeAbandoned } from './abandoned.ts';
import { bytesOf, fetchParts } from './download.ts';
import { localCopies } from './local-copies.ts';
import { defaultCache, s3Url, type S3Location } from './location.ts';
import { replaceDamaged } from './manifest-object.ts';
import { probeConditionalWrites } from './probe.ts';
import { bucketTime, removals } from './removal.ts';
import { signedUrl } from './signed-url.ts';

/**
 * Opens a store in a bucket. Any number of processes may share it.
 *
 *     blobs/<2 hex>/<digest>            content
 *     manifests/<name>+manifest.json    created with If-None-Match, which fails where the name is taken
 *     renewals/, removals/              when things were last used, and what is being removed (removal.ts)
 *     repairs/, probes/, clock          for moments only, but for the last
 *
 * @throws DistilleryError `store_unavailable` where the bucket cannot be reached or written, `malformed_request` where its service has no
 *   conditional writes
 */
export async function openS3Store(location: S3Location, { warn, cache }: StoreContext): Promise<Store> {
  const bucket = new Bucket(location);
  const { lastUse, written, renew, remove, removeUnused } = removals(bucket);
  const fallback = cache ?? defaultCache(location);
  const copiesAt = {
    folder: location.cache ?? fallback.folder,
    mostBytes: location.cache_bytes ?? fallback.mostBytes,
  };
  const copies = await localCopies(bucket, copiesAt);
  await probeConditionalWrites(bucket, warn);
  await removeAbandoned(bucket);

  async function found(digest: string) {
    const object = await bucket.head(layout.blob(digest));
    if (object !== undefined) return object;
    throw new DistilleryError('checkpoint_not_found', `the store has no blob ${digest}`);
  }

  async function manifest<T>(name: string, schema?: ManifestSchema<T>): Promise<T | undefined> {
    const object = await bucket.text(layout.manifest(name));
    if (object === undefined) return undefined;
    const read = parseManifest(object.text, schema);
    if ('manifest' in read) return read.manifest;
    warn(`the manifest ${name} is damaged and counts as absent: ${read.damage}`);
    return undefined;
  }

  return {
    url: s3Url(location, copiesAt),
    ...(location.downloads === 'bucket' && {
      downloadUrl: (digest: string, as: { name: string; mediaType: string }) =>
        signedUrl(bucket, layout.blob(digest), as),
    }),

    async put(bytes) {
      if (bytes instanceof Uint8Array) {
        const digest = await hashOf(bytes);
        const key = layout.blob(digest);
        await written(key, () => bucket.upload(key, bytes));
        return { digest, size: bytes.length };
      }
      // Its digest, and so its key, is known when all of it was read.
      return await withDraft(copies.incoming, bytes, async ({ path, digest, size }) => {
        const key = layout.blob(digest);
        const etag = await written(key, () => bucket.upload(key, { path, size }));
        await copies.keep(path, { digest, size, etag });
        return { digest, size };
      });
    },

    async stat(digest) {
      const object = await bucket.head(layout.blob(digest));
      return object && { digest, size: object.size };
    },

    async read(digest) {
      const { size } = await found(digest);
      const bytes = new Uint8Array(size);
      await fetchParts(bucket, layout.blob(digest), size, (chunk, at) => bytes.set(chunk, at));
      refuseOther(digest, await hashOf(bytes), size);
      return bytes;
    },

    async open(digest, options = {}) {
      return await copies.open(digest, await found(digest), options);
    },

    async stream(digest, range) {
      const { size } = await found(digest);
      const whole = { start: 0, end: size - 1 };
      const part = range === undefined ? whole : satisfiableRange(range, size);
      return Readable.from(bytesOf(bucket, layout.blob(digest), part), { objectMode: false });
    },

    async *blobs(before) {
      for await (const { key, size, modified } of bucket.list(`${layout.blobs}/`)) {
        const digest = key.slice(key.lastIndexOf('/') + 1);
        // A person may have put something else there.
        if (modified >= before || !isDigest(digest) || key !== layout.blob(digest)) continue;
        const used = await lastUse(key);
        if (used !== undefined && used < before) yield { digest, size };
      }
    },

    async renew(digest) {
      return await renew(layout.blob(digest));
    },

    async remove(digest, before) {
      const key = layout.blob(digest);
      if (before !== undefined) return await removeUnused(key, before);
      await remove(key);
      return true;
    },

    async commit<T extends object>(name: string, committed: T, schema?: ManifestSchema<T>) {
      const key = layout.manifest(name);
      const own = { text: manifestText(committed), writer: randomUUID() };
      for (;;) {
        const created = await written(key, () => bucket.create(key, own.text, own.writer));
        const standing = created ? own : await bucket.text(key);
        // Its own name is there too where the answer to an earlier try was lost.
        if (standing?.writer === own.writer) {
          return { created: true, manifest: JSON.parse(canonicalJson(committed)) as T };
        }
        // The winner was removed between the two calls: the name is free again.
        if (standing === undefined) continue;
        const read = parseManifest(standing.text, schema);
        if ('manifest' in read) return { created: false, manifest: read.manifest };
        warn(`the manifest ${name} is damaged and is replaced: ${read.damage}`);
        await replaceDamaged(bucket, key, own, standing.text);
      }
    },

    manifest,

    async renewManifest(name) {
      return await renew(layout.manifest(name));
    },

    async removeManifest(name, before) {
      const key = layout.manifest(name);
      if (before !== undefined) return await removeUnused(key, before);
      await remove(key);
      return true;
    },

    async list(prefix) {
      const folder = `${layout.manifestFolder(prefix)}/`;
      const names: string[] = [];
      for await (const { key } of bucket.list(folder)) {
        if (key.endsWith(manifestSuffix))
          names.push(key.slice(`${layout.manifests}/`.length, -manifestSuffix.length));
      }
      return names.sort();
    },

    now: () => bucketTime(bucket),
  };
}
