/**
 * The one table of errors that cross a boundary (HTTP, the queue, a job's record). A code is stable: clients
 * switch on it, messages may change. `retryable` says whether the same request or stage may succeed when it is
 * simply tried again.
 */
export const errorTable = {
  // requests
  malformed_body: { status: 400, retryable: false, title: 'The body is not valid JSON' },
  malformed_request: { status: 400, retryable: false, title: 'A parameter is not valid' },
  unauthorized: { status: 401, retryable: false, title: 'No valid API key came with the request' },
  forbidden: { status: 403, retryable: false, title: 'The API key does not allow it' },
  not_found: { status: 404, retryable: false, title: 'No such page' },
  job_not_found: { status: 404, retryable: false, title: 'No such job' },
  teacher_not_found: { status: 404, retryable: false, title: 'The job has no such teacher' },
  student_not_found: { status: 404, retryable: false, title: 'The job has no such student' },
  checkpoint_not_found: { status: 404, retryable: false, title: 'No such checkpoint' },
  method_not_allowed: { status: 405, retryable: false, title: 'The page does not answer this method' },
  not_acceptable: { status: 406, retryable: false, title: 'None of the accepted formats can be given' },
  request_timeout: { status: 408, retryable: true, title: 'The request did not arrive in time' },
  not_ready: { status: 409, retryable: true, title: 'The job has not come that far' },
  state_conflict: { status: 409, retryable: false, title: "The job's state forbids it" },
  stale_attempt: { status: 409, retryable: false, title: 'A newer attempt owns this stage' },
  body_too_large: { status: 413, retryable: false, title: 'The body is too large' },
  unsupported_media_type: { status: 415, retryable: false, title: 'The body must be application/json' },
  range_not_satisfiable: { status: 416, retryable: false, title: 'The range lies outside the file' },
  invalid_spec: { status: 422, retryable: false, title: 'The job spec is not valid' },
  idempotency_conflict: {
    status: 422,
    retryable: false,
    title: 'The idempotency key was used with another body',
  },
  rate_limited: { status: 429, retryable: true, title: 'Too many requests' },
  quota_exceeded: { status: 429, retryable: false, title: 'Too many jobs on their way' },
  headers_too_large: { status: 431, retryable: false, title: 'The headers are too large' },
  internal: { status: 500, retryable: true, title: 'An unexpected error' },
  redis_unavailable: { status: 503, retryable: true, title: 'The queue cannot be reached' },
  disk_full: { status: 507, retryable: false, title: 'The disk is full' },
  store_unavailable: { status: 503, retryable: true, title: 'The artifact store cannot be used' },
  // stages
  unsupported_job: { status: 503, retryable: true, title: 'This version does not know a part of the job' },
  data_error: { status: 422, retryable: false, title: 'The data set cannot be read' },
  data_unavailable: { status: 503, retryable: true, title: 'The data set cannot be reached' },
  engine_unavailable: { status: 503, retryable: false, title: 'The engine asked for cannot start' },
  precision_unavailable: {
    status: 422,
    retryable: false,
    title: 'The engine does not compute in the precision asked for',
  },
  preflight_failed: {
    status: 422,
    retryable: false,
    title: 'The method does not train this network',
  },
  nan: { status: 500, retryable: false, title: 'Training diverged' },
  out_of_memory: { status: 500, retryable: true, title: 'The trainer ran out of memory' },
  trainer_crashed: { status: 500, retryable: true, title: 'The trainer ended unexpectedly' },
  stalled: { status: 500, retryable: true, title: 'The trainer stood still' },
  timeout: { status: 500, retryable: false, title: 'The job ran past its limit' },
  artifact_corrupt: { status: 500, retryable: false, title: 'A stored artifact does not verify' },
} as const satisfies Record<string, { status: number; retryable: boolean; title: string }>;

export type ErrorCode = keyof typeof errorTable;

/** One bad field: a JSON pointer, what was there, and what is allowed. */
export interface FieldError {
  path: string;
  message: string;
  value?: unknown;
  allowed?: unknown;
}

/** An error with a code of the table; `cause` keeps what led to it. */
export class DistilleryError extends Error {
  readonly code: ErrorCode;
  readonly fields: FieldError[] | undefined;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; fields?: FieldError[] } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DistilleryError';
    this.code = code;
    this.fields = options.fields;
  }

  get status(): number {
    return errorTable[this.code].status;
  }

  get retryable(): boolean {
    return errorTable[this.code].retryable;
  }
}

/** What the system says when there is no room left; ours may be a quota (ENOSPC, EDQUOT: errno(3)). */
const noRoom = new Set<unknown>(['ENOSPC', 'EDQUOT']);

/**
 * The error itself when it has a code of the table, `disk_full` when the system had no room left, else an `internal` one;
 * both keep it as their cause.
 */
export function asDistilleryError(error: unknown): DistilleryError {
  if (error instanceof DistilleryError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Error && 'code' in error && noRoom.has(error.code)) {
    return new DistilleryError('disk_full', `there is no room left on the disk (${String(error.code)})`, {
      cause: error,
    });
  }
  return new DistilleryError('internal', message, { cause: error });
}
