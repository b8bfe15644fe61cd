import { bundleOf, formats, safetensors } from '@distillery/formats';
import { canonicalJson, sha256 } from '@distillery/spec';
import type { BlobInfo, Store } from '@distillery/store';
import type { SentFile } from './http/send-file.ts';
import { recent } from './recent.ts';
import { type EncodeChoice, representable } from './weight-files.ts';

/** What a bundle is made from. */
export interface BundleChoice extends EncodeChoice {
  /** The model card, Markdown. */
  card: string;
}

/** The bundles that were made last, by the digest of what they were made from. */
const bundles = recent<BlobInfo>(1000);

/**
 * Returns the bundle of a network. It is made once and kept in the store for a while, so that it is streamed, and its ranges are read
 * from there.
 *
 * @param make makes the bundle and puts it into the store
 */
export async function bundleFile(
  store: Store,
  choice: BundleChoice,
  make: (choice: BundleChoice) => Promise<BlobInfo>,
): Promise<SentFile> {
  const key = sha256(canonicalJson(choice));
  // A collection may have removed a file that was made before.
  const file = await bundles(
    key,
    () => make(choice),
    (before) => store.renew(before.digest),
  );
  return { ...file, stream: (range) => store.stream(file.digest, range) };
}

/**
 * Makes a bundle of stored weights.
 *
 * @throws DistilleryError `malformed_request` for weights, or options, that the format or its examples do not support
 */
export function bundleBytes(
  stored: Uint8Array,
  { format: type, options, card }: Omit<BundleChoice, 'digest'>,
): Uint8Array {
  const format = formats.get(type);
  return representable(`in a bundle of ${type}`, () =>
    bundleOf(format, safetensors.decode(stored), options, card),
  );
}
