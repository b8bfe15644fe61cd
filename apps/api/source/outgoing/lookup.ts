import { lookup as resolveName } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import type { AddressRule } from './addresses.ts';

/** A host whose addresses the rule does not allow. */
export class AddressError extends Error {
  constructor(host: string, addresses: readonly string[], setting: string) {
    const found =
      addresses.length === 1 && addresses[0] === host ? host : `${host} (${addresses.join(', ')})`;
    super(`${found} is not a public address; the setting ${setting} can allow it`);
    this.name = 'AddressError';
  }
}

/**
 * Returns the addresses of a host that the rule allows.
 *
 * @param host a name, or an IP address, with or without the brackets that IPv6 addresses have in URLs
 * @throws AddressError when there is none; the resolver's error when the name has no address
 */
export async function allowedAddresses(
  host: string,
  allows: AddressRule,
): Promise<{ address: string; family: number }[]> {
  const literal = host.replace(/^\[(.*)\]$/, '$1');
  const version = isIP(literal);
  const found =
    version === 0 ? await resolveName(host, { all: true }) : [{ address: literal, family: version }];
  const allowed = found.filter(({ address }) => allows(address));
  if (allowed.length === 0) {
    throw new AddressError(
      literal,
      found.map(({ address }) => address),
      allows.setting,
    );
  }
  return allowed;
}

/**
 * Returns a `lookup` of a connection that gives it these addresses and asks no resolver: between a check and the connection, a
 * name could come to mean another address.
 */
export function pinned(addresses: readonly { address: string; family: number }[]): LookupFunction {
  return (_host, options, done) => {
    if (options.all) done(null, [...addresses]);
    else done(null, addresses[0].address, addresses[0].family);
  };
}
