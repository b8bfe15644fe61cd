import { parentPort, workerData } from 'node:worker_threads';
import { DistilleryError, type ErrorCode, type FieldError, presentable } from '@distillery/spec';

/** The works that a thread does, by name. Arguments and results are plain data. */
// biome-ignore lint/suspicious/noExplicitAny: a work of any arguments
export type Works<Services> = Record<string, (services: Services, ...args: any[]) => Promise<unknown>>;

export interface Request {
  id: number;
  work: string;
  args: unknown[];
}

/** The answer to a request, or a warning. `code` is null for an error that is not a DistilleryError. */
export type Answer =
  | { id: number; result: unknown }
  | {
      id: number;
      failure: { code: ErrorCode | null; message: string; fields: FieldError[] | undefined; stack: string };
    }
  | { warning: string };

/**
 * Answers the requests of the thread that has started this one with `startAsking`.
 *
 * @param start opens what the works use, from the data that the thread was started with; a failure is reported for each request
 * @param before runs before each work; default nothing
 */
export function answerRequests<Data, Services>(
  works: Works<Services>,
  start: (data: Data, warn: (message: string) => void) => Promise<Services>,
  before: (services: Services) => Promise<void> = async () => {},
): void {
  const answer = (message: Answer) => parentPort?.postMessage(message);
  const ready = start(workerData as Data, (warning) => answer({ warning }));
  ready.catch(() => {});
  parentPort?.on('message', (request: Request) => void respond(request));

  async function respond({ id, work, args }: Request): Promise<void> {
    try {
      const services = await ready;
      await before(services);
      answer({ id, result: await works[work](services, ...args) });
    } catch (error) {
      const { message, stack = message } = error as Error;
      const { code = null, fields } = error instanceof DistilleryError ? error : {};
      answer({ id, failure: { code, message, fields: fields && presentable(fields), stack } });
    }
  }
}
