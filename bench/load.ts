/** A thread that sends one request many times at once, for worst-requests.ts. */
import { request } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';

export interface Load {
  url: string;
  method: string;
  path: string;
  body: string;
  /** How many requests are sent at once. */
  parallel: number;
  /** Seconds after which requests are given up. */
  limit: number;
}

export interface Answers {
  /** The number of answers by status; `given up` for those without one. */
  statuses: Record<string, number>;
  seconds: number;
  /** The bytes of all answers. */
  bytes: number;
}

const { url, method, path, body, parallel, limit } = workerData as Load;
const answers: Answers = { statuses: {}, seconds: 0, bytes: 0 };

async function send(): Promise<void> {
  const status = await new Promise<string>((done) => {
    const headers = method === 'POST' ? { 'content-type': 'application/json' } : {};
    const options = { method, headers, agent: false, signal: AbortSignal.timeout(limit * 1000) } as const;
    const sent = request(url + path, options, (response) => {
      response.on('data', (chunk: Buffer) => {
        answers.bytes += chunk.length;
      });
      response.on('end', () => done(String(response.statusCode)));
      response.on('error', () => done('given up'));
    });
    sent.on('error', () => done('given up'));
    sent.end(body);
  });
  answers.statuses[status] = (answers.statuses[status] ?? 0) + 1;
}

const begun = performance.now();
await Promise.all(Array.from({ length: parallel }, send));
answers.seconds = (performance.now() - begun) / 1000;
parentPort?.postMessage(answers);
