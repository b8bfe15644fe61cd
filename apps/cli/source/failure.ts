import { ApiError } from '@distillery/client';
import { ConfigurationError } from '@distillery/spec/configuration';

/** A command line that cannot be run; one with exit code 0 and no message has been answered already, by its help. */
export class UsageError extends Error {
  readonly exitCode: number;
  readonly remedy: string | undefined;

  constructor(message: string, { exitCode = 1, remedy }: { exitCode?: number; remedy?: string } = {}) {
    super(message);
    this.name = 'UsageError';
    this.exitCode = exitCode;
    this.remedy = remedy;
  }
}

/** An API that could not be reached, or whose connection ended before its answer did. */
export class UnreachableError extends Error {
  readonly remedy = 'start the service with "distill up", or set its address with --url or DISTILLERY_URL';

  constructor(url: string, cause: unknown) {
    super(`cannot reach ${url}: ${reasonOf(cause)}`, { cause });
    this.name = 'UnreachableError';
  }
}

const reasons: Record<string, string> = {
  ECONNREFUSED: 'the connection was refused, no program listens there',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name cannot be looked up',
  ECONNRESET: 'the connection was closed',
  UND_ERR_SOCKET: 'the connection was closed',
  UND_ERR_CONNECT_TIMEOUT: 'there was no answer in time',
  ETIMEDOUT: 'there was no answer in time',
};

/** Why fetch failed; it throws a TypeError whose `cause` has the reason. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { code } = cause as { code?: unknown };
  if (typeof code !== 'string') return cause instanceof Error ? cause.message : String(cause);
  return code in reasons ? `${reasons[code]} (${code})` : `${(cause as Error).message || code}`;
}

/** Whether an error is fetch's own, for a request that had no whole answer. */
export function isFetchFailure(error: unknown): boolean {
  return error instanceof TypeError && /^(fetch failed|terminated)$/.test(error.message);
}

const remedies: Record<number, string> = {
  401: 'set DISTILLERY_TOKEN to an API key; "distill keys create" makes one',
  403: 'set DISTILLERY_TOKEN to a key with the scope that this needs',
};

/** What a failed command prints below its first line: bad fields, and what to do. */
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

/** 2 for a setting or flag that cannot be used, 1 for every other failure. */
export function exitCodeOf(error: unknown): number {
  return error instanceof UsageError || error instanceof ConfigurationError ? error.exitCode : 1;
}
