import { ApiError } from '@distillery/client';
import { ConfigurationError } from '@distillery/spec/configuration';

/** An unusable command line. Exit code 0 with an empty message means that help or version was printed already. */
export class UsageError extends Error {
  readonly exitCode: number;
  readonly remedy: string | undefined;

  constructor(message: string, { exitCode = 2, remedy }: { exitCode?: number; remedy?: string } = {}) {
    super(message);
    this.name = 'UsageError';
    this.exitCode = exitCode;
    this.remedy = remedy;
  }
}

/** The API could not be reached, or the connection ended before the response did. */
export class UnreachableError extends Error {
  readonly remedy = 'start the service with "distill up", or set its address with --url or DISTILLERY_URL';

  constructor(url: string, cause: unknown) {
    super(`cannot reach ${url}: ${reasonOf(cause)}`, { cause });
    this.name = 'UnreachableError';
  }
}

const reasons: Record<string, string> = {
  ECONNREFUSED: 'the connection was refused, no program listens on this port',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name cannot be looked up',
  ECONNRESET: 'the connection was closed',
  UND_ERR_SOCKET: 'the connection was closed',
  UND_ERR_CONNECT_TIMEOUT: 'there was no answer in time',
  ETIMEDOUT: 'there was no answer in time',
};

/** Returns why fetch failed: it throws a TypeError whose `cause` has the reason. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { code } = cause as { code?: unknown };
  if (typeof code !== 'string') return cause instanceof Error ? cause.message : String(cause);
  return code in reasons ? `${reasons[code]} (${code})` : `${(cause as Error).message || code}`;
}

/** Returns whether an error is fetch's own: the request got no complete response. */
export function isFetchFailure(error: unknown): boolean {
  return error instanceof TypeError && /^(fetch failed|terminated)$/.test(error.message);
}

/** Returns whether a request failed because the API is down for the moment, as it is during a restart. */
export function isOutage(error: unknown): boolean {
  return isFetchFailure(error) || (error instanceof ApiError && [502, 503, 504].includes(error.status));
}

const remedies: Record<number, string> = {
  401: 'set DISTILLERY_TOKEN to an API key; "distill keys create" creates one',
  403: 'set DISTILLERY_TOKEN to a key with the scope that this needs',
};

/** Returns the lines that a failed command prints below its first: the invalid fields, and what to do. */
export function detailsOf(error: unknown): string[] {
  if (error instanceof ApiError) {
    const fields = error.errors.map(({ path, message, allowed }) => {
      const hint = allowed === undefined ? '' : ` (allowed: ${JSON.stringify(allowed)})`;
      return `${path} ${message}${hint}`;
    });
    return error.status in remedies ? [...fields, remedies[error.status]] : fields;
  }
  const remedy = error instanceof UsageError || error instanceof UnreachableError ? error.remedy : undefined;
  return remedy === undefined ? [] : [remedy];
}

/** Returns 2 for an unusable command line or setting, 1 for every other failure. */
export function exitCodeOf(error: unknown): number {
  return error instanceof UsageError || error instanceof ConfigurationError ? error.exitCode : 1;
}
