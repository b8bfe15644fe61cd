import { sha256 } from '@distillery/spec/digest';
import type { Bucket, TextObject } from './bucket.ts';

/**
 * Replaces a damaged manifest, once for all processes that try at the same time. The first of them creates an object whose key follows
 * from the damage, and every one of them then writes that object's text in place while the damage is still there. So it does not matter
 * which of them goes on, or is killed.
 */
export async function replaceDamaged(
  bucket: Bucket,
  key: string,
  own: TextObject & { writer: string },
  damaged: string,
) {
  const claim = `repairs/${sha256(`${key}\n${damaged}`)}`;
  await bucket.create(claim, own.text, own.writer);
  const claimed = await bucket.text(claim);
  if (claimed !== undefined && (await bucket.text(key))?.text === damaged) {
    await bucket.put(key, claimed.text, claimed.writer);
  }
  await bucket.remove(claim);
}
