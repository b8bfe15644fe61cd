import { isIPv6 } from 'node:net';

/**
 * Returns what requests are counted by: an IPv4 address, or the first 64 bits of an IPv6 address, which are the least that
 * a provider gives to one customer (RFC 6177).
 */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const plain = address.replace(/%.*$/, '').toLowerCase();
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(plain) ?? [];
  if (mapped !== undefined) return mapped;
  const [head, tail] = plain.split('::');
  const groups = (part: string | undefined) => (part ? part.split(':') : []);
  const [first, last] = [groups(head), groups(tail)];
  // A dotted end counts as two groups; it is never among the first four.
  const dotted = last.at(-1)?.includes('.') ? 1 : 0;
  const zeros = tail === undefined ? 0 : 8 - first.length - last.length - dotted;
  const all = [...first, ...Array.from({ length: zeros }, () => '0'), ...last];
  const network = all.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}
