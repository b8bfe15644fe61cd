import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Answer, Request } from './protocol.ts';

/** One side of the benchmark: a process that answers lines with lines, and sleeps between them. */
export interface Contender {
  /** @throws Error when the process ends without an answer; it has told why on stderr */
  ask(request: Request): Promise<Answer>;
  stop(): Promise<void>;
}

export function contender(command: string, args: string[], env: NodeJS.ProcessEnv): Contender {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env });
  const ended = once(child, 'close').catch(() => {});
  // A process that is gone is noticed by the answer that it owes.
  child.stdin.on('error', () => {});
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    async ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error(`${command} ended without an answer to ${JSON.stringify(request)}`);
      return JSON.parse(value) as Answer;
    },
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}
