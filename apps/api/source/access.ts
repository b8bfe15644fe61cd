import { BlockList, isIP } from 'node:net';
import { wholeNumber } from '@distillery/spec';

/** Who may send requests, and how many. */
export interface Access {
  /** Whether a request needs an API key. */
  keys: 'required' | 'off';
  /** Requests a minute of a key that has no limit of its own, and refused ones of an address. */
  rate: number;
  /** Jobs on their way at once of an owner whose key has no limit of its own. */
  jobs: number;
}

/** The variables of the environment that say so. */
export interface AccessEnvironment {
  API_KEYS?: string | undefined;
  API_RATE?: string | undefined;
  API_JOBS?: string | undefined;
  TRUST_PROXY?: string | undefined;
}

/**
 * Keys may be off, and are unless told otherwise, only where nobody but this machine can connect.
 * @throws RangeError for what cannot be meant
 */
export function accessOf({ API_KEYS, API_RATE, API_JOBS }: AccessEnvironment, host: string): Access {
  const keys = API_KEYS || (isLoopback(host) ? 'off' : 'required');
  if (keys !== 'required' && keys !== 'off') {
    throw new RangeError(`API_KEYS is ${JSON.stringify(keys)}, it must be required or off`);
  }
  if (keys === 'off' && !isLoopback(host)) {
    throw new RangeError(
      `API_KEYS=off on ${host} would let everybody in who can reach it: listen on 127.0.0.1, or leave the keys on`,
    );
  }
  return {
    keys,
    rate: wholeNumber('API_RATE', API_RATE) ?? 600,
    jobs: wholeNumber('API_JOBS', API_JOBS) ?? 100,
  };
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Other names may mean anything. */
function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  const version = isIP(host);
  return version !== 0 && loopback.check(host, version === 4 ? 'ipv4' : 'ipv6');
}
