import type { FieldError } from '@distillery/spec';

interface Problem {
  code?: string;
  title?: string;
  detail?: string;
  instance?: string;
  errors?: FieldError[];
}

/** Statuses that the same request may not get again: the service is busy, starts, or has failed for once. */
const passing = new Set([408, 500, 502, 503, 504]);

/**
 * A response of the API that is not a success: RFC 9457 problem details as an error.
 *
 * @example
 * try {
 *   await client.jobs.create(spec);
 * } catch (error) {
 *   if (!(error instanceof ApiError)) throw error;
 *   for (const { path, message } of error.errors) console.error(path, message);
 * }
 */
export class ApiError extends Error {
  /** The HTTP status. */
  readonly status: number;
  /** The code of the error, which stays the same between versions, such as `invalid_spec`; `unknown` without one. */
  readonly code: string;
  /** The invalid fields, each with its JSON pointer; empty when the problem is not about fields. */
  readonly errors: FieldError[];
  /** The seconds that the service asks to wait before the next attempt. */
  readonly retryAfterSeconds: number | undefined;
  /** The id of the request, by which the service's log names it. */
  readonly requestId: string | undefined;

  constructor(
    status: number,
    { code = 'unknown', title, detail, instance, errors = [] }: Problem,
    retryAfterSeconds?: number,
  ) {
    super(detail ?? title ?? `HTTP ${status}`);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.errors = errors;
    this.retryAfterSeconds = retryAfterSeconds;
    this.requestId = instance;
  }

  /** Reads a response that is not a success. One without problem details, as proxies send it, gives its text. */
  static async of(response: Response): Promise<ApiError> {
    const text = await response.text();
    const asked = retryAfter(response.headers.get('retry-after'));
    return new ApiError(response.status, parsed(text) ?? { detail: text.slice(0, 500) || undefined! }, asked);
  }

  /** Whether the same request may succeed later, unchanged. A 429 without a time to wait is a quota, which time does not free. */
  get transient(): boolean {
    return passing.has(this.status) || (this.status === 429 && this.retryAfterSeconds !== undefined);
  }
}

/** Reads `Retry-After`: seconds, or a date (RFC 9110, 10.2.3). */
function retryAfter(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}

function parsed(text: string): Problem | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
