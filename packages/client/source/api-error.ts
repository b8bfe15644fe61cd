import type { FieldError } from '@distillery/spec';

/** A response of the API that is not a success: RFC 9457 problem details as an error. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly errors: FieldError[];

  constructor(
    status: number,
    problem: { code?: string; title?: string; detail?: string; errors?: FieldError[] },
  ) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`);
    this.name = 'ApiError';
    this.status = status;
    this.code = problem.code ?? 'unknown';
    this.errors = problem.errors ?? [];
  }
}
