import { bytesToHex } from '@noble/hashes/utils.js';

/** An idempotency key that no other request has. */
export function randomKey(): string {
  return bytesToHex(crypto.getRandomValues(new Uint8Array(16)));
}
