/** One field that the service refused: a JSON pointer, what must hold, and the value that was sent. */
export interface FieldProblem {
  path: string;
  message: string;
  value?: unknown;
  allowed?: unknown;
}

/** A request that failed: what the service answered as problem details (RFC 9457), or that it did not answer. */
export class Problem extends Error {
  override name = 'Problem';
  /** The HTTP status; 0 when the service could not be reached. */
  readonly status: number;
  /** The stable code of the error, such as `invalid_spec`; `unreachable` when there was no answer. */
  readonly code: string;
  readonly title: string;
  readonly fields: readonly FieldProblem[];
  /** The id of the request in the log of the service. */
  readonly request: string | null;

  constructor(details: {
    status: number;
    code: string;
    title: string;
    detail: string;
    fields?: readonly FieldProblem[] | undefined;
    request?: string | null | undefined;
  }) {
    super(details.detail);
    this.status = details.status;
    this.code = details.code;
    this.title = details.title;
    this.fields = details.fields ?? [];
    this.request = details.request ?? null;
  }
}

export const unreachable = () =>
  new Problem({
    status: 0,
    code: 'unreachable',
    title: 'The service does not answer',
    detail: 'The service does not answer. What is shown stays; training goes on without this page.',
  });

/** Reads the problem details of an answer; a proxy in between may answer with something else. */
export async function problemOf(response: Response): Promise<Problem> {
  const { status, statusText, headers } = response;
  const request = headers.get('x-request-id');
  const body: unknown = await response.json().catch(() => undefined);
  if (typeof body !== 'object' || body === null || !('code' in body)) {
    const detail = `The service answered ${status}${statusText === '' ? '' : ` ${statusText}`}.`;
    return new Problem({ status, code: 'no_details', title: detail, detail, request });
  }
  const { code, title, detail, errors } = body as {
    code: string;
    title: string;
    detail: string;
    errors?: FieldProblem[];
  };
  return new Problem({ status, code, title, detail, fields: errors, request });
}
