import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { trainerEnvironment } from '@distillery/worker/trainer-environment';
import type { Answer, Request, Work } from './protocol.ts';

/** The ways to train that are compared: ours, and PyTorch's. The order is that of the columns. */
export const contenders = {
  ours: { title: 'ours', step: 'compiled' },
  eager: { title: 'ours, eager', step: 'eager' },
  pytorch: { title: 'PyTorch', way: { channelsLast: false, compiled: false } },
  channels_last: { title: 'channels-last', way: { channelsLast: true, compiled: false } },
  torch_compile: { title: 'torch.compile', way: { channelsLast: true, compiled: true } },
} as const;
export type ContenderId = keyof typeof contenders;
export const contenderIds = Object.keys(contenders) as ContenderId[];
/** PyTorch's ways, the fastest of which ours is compared with. */
export const peers = contenderIds.filter((id) => 'way' in contenders[id]);

/** A process that answers each line with a line and sleeps in between. */
export interface Contender {
  /** Sends a request. A process that ends without an answer has refused it. */
  ask(request: Request): Promise<Answer>;
  stop(): Promise<void>;
}

/** Starts a contender with the threads and the allocator settings of a trainer. */
export function contender(id: ContenderId, work: Work, python: string): Contender {
  const chosen = contenders[id];
  const ours = ['--import', 'tsx', join(import.meta.dirname, 'ours.ts')];
  const [command, args] =
    'way' in chosen ? [python, [join(import.meta.dirname, 'peers/pytorch.py')]] : [process.execPath, ours];
  const given = 'way' in chosen ? { ...work, way: chosen.way } : work;
  const threads = String(work.threads);
  const env = {
    ...process.env,
    // PyTorch runs on the CPU, too.
    ENGINE: 'native',
    OMP_NUM_THREADS: threads,
    TF_NUM_INTRAOP_THREADS: threads,
    ...('step' in chosen && { STEP: chosen.step }),
    ...trainerEnvironment,
  };
  const child = spawn(command, [...args, JSON.stringify(given)], { env });
  const ended = once(child, 'close').catch((error: Error) => [error.message]);
  // The missing answer shows that a process has ended.
  child.stdin.on('error', () => {});
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  // Notices of TensorFlow would hide the rows; the last line explains a process that ends.
  let last = 'it printed nothing';
  createInterface(child.stderr).on('line', (line) => {
    last = line;
  });
  return {
    async ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const { value, done } = await answers.next();
      if (!done) return JSON.parse(value) as Answer;
      return { refused: `its process ended without an answer (${(await ended).find(Boolean)}): ${last}` };
    },
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}
