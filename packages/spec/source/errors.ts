/**
 * Every error that crosses a boundary (HTTP, the queue, a job's record). Codes are stable, because clients switch on
 * them; messages may change. `retryable` means that the same request or stage may succeed if it is repeated unchanged.
 */
export const errorTable = {
  // requests
  malformed_body: { status: 400, retryable: false, title: 'The request body is not valid JSON' },
  malformed_request: { status: 400, retryable: false, title: 'A request parameter is invalid' },
  unauthorized: { status: 401, retryable: false, title: 'Invalid API key' },
  forbidden: { status: 403, retryable: false, title: 'The API key does not permit this request' },
  cross_site: { status: 403, retryable: false, title: 'Requests from the pages of other sites are refused' },
  not_found: { status: 404, retryable: false, title: 'There is no such route' },
  job_not_found: { status: 404, retryable: false, title: 'There is no such job' },
  sweep_not_found: { status: 404, retryable: false, title: 'There is no such sweep' },
  stage_not_found: { status: 404, retryable: false, title: 'The job has no such stage' },
  teacher_not_found: { status: 404, retryable: false, title: 'The job has no such teacher' },
  student_not_found: { status: 404, retryable: false, title: 'The job has no such student' },
  key_not_found: { status: 404, retryable: false, title: 'There is no such API key' },
  project_not_found: { status: 404, retryable: false, title: 'There is no such project' },
  dataset_not_found: { status: 404, retryable: false, title: 'There is no such data set' },
  network_not_found: { status: 404, retryable: false, title: 'There is no such network' },
  upload_not_found: { status: 404, retryable: false, title: 'There is no such upload' },
  webhook_not_found: { status: 404, retryable: false, title: 'There is no such webhook' },
  delivery_not_found: { status: 404, retryable: false, title: 'The webhook has no such delivery' },
  checkpoint_not_found: { status: 404, retryable: false, title: 'There is no such checkpoint' },
  sample_not_found: { status: 404, retryable: false, title: 'There is no such test sample' },
  method_not_allowed: { status: 405, retryable: false, title: 'The route does not support this HTTP method' },
  not_acceptable: { status: 406, retryable: false, title: 'None of the accepted media types is available' },
  request_timeout: { status: 408, retryable: true, title: 'The request did not arrive in time' },
  not_ready: { status: 409, retryable: true, title: 'The result is not ready yet' },
  state_conflict: {
    status: 409,
    retryable: false,
    title: 'The state of the resource does not permit this request',
  },
  upload_conflict: { status: 409, retryable: false, title: 'The upload continues at another offset' },
  stale_attempt: { status: 409, retryable: false, title: 'A newer attempt owns this stage' },
  length_required: { status: 411, retryable: false, title: 'The request needs the length of its body' },
  precondition_failed: {
    status: 412,
    retryable: false,
    title: 'A condition of the request is not met',
  },
  body_too_large: { status: 413, retryable: false, title: 'The request body is too large' },
  upload_too_large: { status: 413, retryable: false, title: 'The upload is larger than allowed' },
  storage_quota: { status: 413, retryable: false, title: 'The files of the owner take all of their space' },
  unsupported_media_type: {
    status: 415,
    retryable: false,
    title: 'The route does not read this type of body',
  },
  range_not_satisfiable: { status: 416, retryable: false, title: 'The range is outside the file' },
  unknown_host: {
    status: 421,
    retryable: false,
    title: 'The Host header names no host of this service',
  },
  invalid_body: { status: 422, retryable: false, title: 'A field of the request body is invalid' },
  invalid_network: { status: 422, retryable: false, title: 'The network cannot be used' },
  invalid_spec: { status: 422, retryable: false, title: 'The job spec is invalid' },
  invalid_sweep: { status: 422, retryable: false, title: 'The sweep is invalid' },
  idempotency_conflict: {
    status: 422,
    retryable: false,
    title: 'The idempotency key was used with a different body',
  },
  rate_limited: { status: 429, retryable: true, title: 'Too many requests' },
  quota_exceeded: {
    status: 429,
    retryable: false,
    title: 'A quota of the owner or of its project is used up',
  },
  headers_too_large: { status: 431, retryable: false, title: 'The request headers are too large' },
  checksum_mismatch: { status: 460, retryable: true, title: 'The bytes do not have the checksum' },
  internal: { status: 500, retryable: true, title: 'Unexpected error' },
  redis_unavailable: { status: 503, retryable: true, title: 'The queue cannot be reached' },
  overloaded: { status: 503, retryable: true, title: 'Too many requests of this kind wait already' },
  disk_full: { status: 507, retryable: false, title: 'The disk is full' },
  store_unavailable: { status: 503, retryable: true, title: 'The artifact store is unavailable' },
  // stages
  unsupported_job: { status: 503, retryable: true, title: 'This version does not support a part of the job' },
  data_error: { status: 422, retryable: false, title: 'The data set cannot be read' },
  data_unavailable: { status: 503, retryable: true, title: 'The data set cannot be reached' },
  engine_unavailable: { status: 503, retryable: false, title: 'The requested engine cannot start' },
  precision_unavailable: {
    status: 422,
    retryable: false,
    title: 'The engine does not support the requested precision',
  },
  preflight_failed: {
    status: 422,
    retryable: false,
    title: 'The method cannot train this network',
  },
  nan: { status: 500, retryable: false, title: 'Training diverged' },
  out_of_memory: { status: 500, retryable: true, title: 'The trainer ran out of memory' },
  trainer_crashed: { status: 500, retryable: true, title: 'The trainer ended unexpectedly' },
  stalled: { status: 500, retryable: true, title: 'The trainer made no progress' },
  timeout: { status: 500, retryable: false, title: 'The job exceeded its time limit' },
  artifact_corrupt: { status: 500, retryable: false, title: 'A stored artifact is damaged' },
} as const satisfies Record<string, { status: number; retryable: boolean; title: string }>;

export type ErrorCode = keyof typeof errorTable;

/** One invalid field: its JSON pointer, its value and what is allowed. */
export interface FieldError {
  path: string;
  message: string;
  value?: unknown;
  allowed?: unknown;
}

/** An error with a code of the table. `cause` is the original error. */
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

/** Codes of the system for a full disk or an exceeded quota (ENOSPC, EDQUOT: errno(3)). */
const noRoom = new Set<unknown>(['ENOSPC', 'EDQUOT']);

/**
 * Returns the error itself if it has a code of the table. Otherwise wraps it as `disk_full` if the disk is full, or
 * else as `internal`, with the error as the cause.
 */
export function asDistilleryError(error: unknown): DistilleryError {
  if (error instanceof DistilleryError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Error && 'code' in error && noRoom.has(error.code)) {
    return new DistilleryError('disk_full', `the disk is full (${String(error.code)})`, {
      cause: error,
    });
  }
  return new DistilleryError('internal', message, { cause: error });
}
