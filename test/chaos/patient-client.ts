import { setTimeout as delay } from 'node:timers/promises';

interface Answer {
  status: number;
  body: Record<string, unknown>;
  headers: Headers;
}

/** A client that repeats a request until the service answers it. */
export interface PatientClient {
  /** Sends a request; a 503 or 507 counts as no answer. @throws Error without an answer within `patienceMs` */
  ask(method: string, path: string, content?: { body?: unknown; key?: string }): Promise<Answer>;
  /** The number of responses by status; `none` counts requests without a response. */
  counts: Record<string, number>;
  /** Responses with a status that never should occur. */
  unexpected: string[];
}

/** The statuses of a service that is down or a disk that is full. */
const unavailable = new Set([503, 507]);
const expected = new Set([200, 202, 204, 404, 409, ...unavailable]);

export function startPatientClient(url: string, patienceMs: number): PatientClient {
  const counts: Record<string, number> = {};
  const unexpected: string[] = [];
  const count = (what: string | number) => {
    counts[what] = (counts[what] ?? 0) + 1;
  };
  return {
    counts,
    unexpected,
    async ask(method, path, { body, key } = {}) {
      for (const end = Date.now() + patienceMs; ; await delay(200)) {
        try {
          const response = await fetch(url + path, {
            method,
            headers: {
              ...(body === undefined ? {} : { 'content-type': 'application/json' }),
              ...(key === undefined ? {} : { 'idempotency-key': key }),
            },
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
            signal: AbortSignal.timeout(8000),
          });
          const text = await response.text();
          const { status, headers } = response;
          count(status);
          if (!expected.has(status))
            unexpected.push(`${method} ${path} answered ${status}: ${text.slice(0, 500)}`);
          if (!unavailable.has(status)) return { status, headers, body: text === '' ? {} : JSON.parse(text) };
        } catch {
          count('none');
        }
        if (Date.now() > end) throw new Error(`${method} ${path} was not answered within ${patienceMs} ms`);
      }
    },
  };
}
