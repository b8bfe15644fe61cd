import { createHmac } from 'node:crypto';

/**
 * The headers of a request to a webhook (Standard Webhooks 1.0): its id, its time, and an HMAC-SHA256 of both and the body for
 * each secret.
 *
 * @param secrets `whsec_` and Base64
 * @param seconds the Unix time of the request
 */
export function signedHeaders(
  secrets: readonly string[],
  id: string,
  seconds: number,
  payload: string,
): Record<string, string> {
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${payload}`).digest('base64')}`;
  });
  return {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': signatures.join(' '),
  };
}
