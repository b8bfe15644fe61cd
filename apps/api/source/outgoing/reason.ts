import { AddressError } from './lookup.ts';

const reasons: Record<string, string> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was closed',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name cannot be looked up now',
  ETIMEDOUT: 'the connection was not made in time',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
};

/** Says why a request got no response. Connections to several addresses fail with one error for each. */
export function reasonOf(error: NodeJS.ErrnoException): string {
  const first = error instanceof AggregateError ? (error.errors[0] as NodeJS.ErrnoException) : error;
  if (first instanceof AddressError) return first.message;
  return first.code === undefined || reasons[first.code] === undefined
    ? first.message
    : `${reasons[first.code]} (${first.code})`;
}
