import { ApiError, ConnectionError } from '@distillery/client';
import { ConfigurationError } from '@distillery/spec/configuration';
import { exitCodes } from './exit-codes.ts';

/** An unusable command line or file. Exit code 0 with an empty message means that help or version was printed already. */
export class UsageError extends Error {
  readonly exitCode: number;
  readonly remedy: string | undefined;

  constructor(
    message: string,
    {
      exitCode = exitCodes.usage.code,
      remedy,
      cause,
    }: { exitCode?: number; remedy?: string; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.name = 'UsageError';
    this.exitCode = exitCode;
    this.remedy = remedy;
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

/** Returns why there was no response: below a ConnectionError is fetch's TypeError, whose `cause` has the reason. */
function reasonOf({ cause }: ConnectionError): string {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const { code } = inner as { code?: unknown };
  if (typeof code !== 'string') return inner instanceof Error ? inner.message : String(inner);
  return code in reasons ? `${reasons[code]} (${code})` : `${(inner as Error).message || code}`;
}

const remedies: Record<number, string> = {
  401: 'set DISTILLERY_TOKEN to an API key; "distill keys create" creates one',
  403: 'set DISTILLERY_TOKEN to a key with the scope that this needs',
};

const remediesByCode: Record<string, string> = {
  job_not_found: 'to list the jobs, run: distill jobs',
  quota_exceeded: 'wait until a job ends, or cancel one; to list them, run: distill jobs',
  redis_unavailable: 'the API runs, but its Redis does not answer; try again in a moment',
};

/** Returns the first line that a failed command prints. */
export function messageOf(error: unknown): string {
  if (error instanceof ConnectionError) {
    const { origin } = new URL(error.url);
    return `cannot reach ${origin}: ${reasonOf(error)}`;
  }
  return error instanceof Error ? error.message : String(error);
}

/** Returns the lines below it: the invalid fields, and what to do. */
export function detailsOf(error: unknown): string[] {
  if (error instanceof ConnectionError) {
    return ['start the service with "distill up", or set its address with --url or DISTILLERY_URL'];
  }
  if (error instanceof ApiError) {
    const fields = error.errors.map(({ path, message, allowed }) => {
      const hint = allowed === undefined ? '' : ` (allowed: ${JSON.stringify(allowed)})`;
      return `${path} ${message}${hint}`;
    });
    const remedy = remedies[error.status] ?? remediesByCode[error.code];
    return remedy === undefined ? fields : [...fields, remedy];
  }
  const remedy = error instanceof UsageError ? error.remedy : undefined;
  return remedy === undefined ? [] : [remedy];
}

/** Returns the exit code of a failed command. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return error.exitCode;
  if (error instanceof ConfigurationError) return exitCodes.usage.code;
  if (error instanceof ConnectionError) return exitCodes.noService.code;
  if (error instanceof ApiError) return (error.status >= 500 ? exitCodes.noService : exitCodes.refused).code;
  return exitCodes.failure.code;
}
