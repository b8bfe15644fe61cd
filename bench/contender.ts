import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Answer, Request } from './protocol.ts';

/** One side of the benchmark: a process that answers each line with a line and sleeps in between. */
export interface Contender {
  /** Sends a request. @throws Error when the process ends without an answer; the reason is on stderr */
  ask(request: Request): Promise<Answer>;
  stop(): Promise<void>;
}

export function contender(command: string, args: string[], env: NodeJS.ProcessEnv): Contender {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env });
  const ended = once(child, 'close').catch(() => {});
  // The missing answer shows that a process has ended.
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
