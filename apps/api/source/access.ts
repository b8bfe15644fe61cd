import { BlockList, isIP } from 'node:net';
import { ConfigurationError, defaultOf } from '@distillery/spec/configuration';

/** Whether requests need an API key, and how many requests and jobs are allowed. */
export interface Access {
  /** Whether a request needs an API key. */
  keys: 'required' | 'off';
  /** Requests per minute of a key without its own limit, and unauthenticated requests per minute of an address. */
  rate: number;
  /** Unfinished jobs that an owner may have at a time, where the key has no limit of its own. */
  jobs: number;
  /** The highest priority of jobs that a key without the scope `admin` may ask for. */
  priority: number;
  /** Whether requests may be sent to a host of this name, which is in lower case and has no port. */
  isOwnHost(name: string): boolean;
}

/** The settings API_KEYS, API_RATE, API_JOBS, API_PRIORITY and ALLOWED_HOSTS; undefined means the default. */
export interface AccessSettings {
  apiKeys?: 'required' | 'off' | undefined;
  apiRate?: number | undefined;
  apiJobs?: number | undefined;
  apiPriority?: number | undefined;
  allowedHosts?: readonly string[] | undefined;
}

/**
 * Returns the access rules of an API. Keys may be off, and are by default, only on an address that no other machine can
 * reach.
 *
 * @param host the address that the API listens on
 * @throws ConfigurationError when keys are off on another address
 */
export function accessOf(settings: AccessSettings, host: string): Access {
  const {
    apiKeys = isLoopback(host) ? 'off' : 'required',
    apiRate = defaultOf('apiRate'),
    apiJobs = defaultOf('apiJobs'),
    apiPriority = defaultOf('apiPriority'),
    allowedHosts = [],
  } = settings;
  if (apiKeys === 'off' && !isLoopback(host)) {
    throw new ConfigurationError(
      `API_KEYS=off on ${host} would admit every machine that can reach it: listen on 127.0.0.1, or require keys`,
    );
  }
  // A page has no key to send, so with keys a name of its own gets it nowhere.
  const anyHost = apiKeys === 'required' && allowedHosts.length === 0;
  const isOwnHost = (name: string) =>
    anyHost || isLoopback(name) || name.endsWith('.localhost') || allowedHosts.includes(name);
  return { keys: apiKeys, rate: apiRate, jobs: apiJobs, priority: apiPriority, isOwnHost };
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Returns whether only this machine can reach a host. Names other than localhost could resolve to any address: false. */
function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  const version = isIP(host);
  return version !== 0 && loopback.check(host, version === 4 ? 'ipv4' : 'ipv6');
}
