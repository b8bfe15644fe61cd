import { checkDigest, checkName, checkPrefix } from './names.ts';

// A plus sign cannot be part of a name, so the file of `a` never meets the folder of `a/b`, nor that of `a.json/b`.
export const manifestSuffix = '+manifest.json';

/**
 * Where a store keeps things below its folder or its prefix in a bucket. Both kinds of store keep them in the same places, so a
 * folder that is copied into a bucket, or a bucket into a folder, is the same store.
 */
export const layout = {
  blobs: 'blobs',
  manifests: 'manifests',
  blob: (digest: string) => `blobs/${checkDigest(digest).slice(0, 2)}/${digest}`,
  manifest: (name: string) => `manifests/${checkName(name)}${manifestSuffix}`,
  /** The place of all manifests below a folder of names; `''` is the top. */
  manifestFolder: (prefix: string) => `manifests${checkPrefix(prefix) === '' ? '' : `/${prefix}`}`,
};
