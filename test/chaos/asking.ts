import { setTimeout as delay } from 'node:timers/promises';

interface Answer {
  status: number;
  body: Record<string, unknown>;
  headers: Headers;
}

/** A client that does not give up: who is not answered, or told that the service is away, asks again. */
export interface Asking {
  /** @throws Error when `patienceMs` have gone by without an answer that says something of the question */
  ask(method: string, path: string, question?: { body?: unknown; key?: string }): Promise<Answer>;
  /** Answers by status, and how often there was none. */
  counts: Record<string, number>;
  /** Answers that nobody should be given. */
  unexpected: string[];
}

/** What is said of a service, or of a disk, that is away now. */
const away = new Set([503, 507]);
const expected = new Set([200, 202, 204, 404, 409, ...away]);

export function startAsking(url: string, patienceMs: number): Asking {
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
          if (!away.has(status)) return { status, headers, body: text === '' ? {} : JSON.parse(text) };
        } catch {
          count('none');
        }
        if (Date.now() > end) throw new Error(`${method} ${path} was not answered within ${patienceMs} ms`);
      }
    },
  };
}
