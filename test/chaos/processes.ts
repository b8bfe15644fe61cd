import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** The environment variable that marks the processes of a run, also after their parents have ended. */
export const markName = 'DISTILLERY_CHAOS';

/** A process that is restarted whenever it ends, like a container, until it is stopped. */
export interface Managed {
  name: string;
  /** A line for each time that it ended without a signal from the test. */
  unexpectedExits: readonly string[];
  /** The id of the current process; undefined while it is down. */
  pid(): number | undefined;
  /** Sends a signal; false while the process is down. */
  signal(signal: NodeJS.Signals): boolean;
  /** Ends the process; a new one starts after `downMs`. */
  end(signal: 'SIGKILL' | 'SIGTERM', downMs: number): Promise<void>;
  /** Ends the process for good with SIGTERM. False: it was killed after `patienceMs`. */
  stop(patienceMs: number): Promise<boolean>;
}

/** @param log the file to which its output is appended */
export function manage(
  name: string,
  { script, env, log }: { script: string; env: Record<string, string>; log: string },
): Managed {
  let wanted = true;
  let child: ChildProcess | undefined;
  let downMs = 500;
  let asked = false;
  const unexpectedExits: string[] = [];

  function start(): void {
    const output = openSync(log, 'a');
    const started = spawn(process.execPath, [script], {
      env: { ...process.env, ...env },
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    child = started;
    started.once('exit', (code, signal) => {
      child = undefined;
      if (!asked) unexpectedExits.push(`${name} ended by itself: ${signal ?? `exit code ${code}`}`);
      const pause = asked ? downMs : 500;
      asked = false;
      if (wanted) setTimeout(() => wanted && start(), pause).unref();
    });
  }
  start();

  const send = (signal: NodeJS.Signals) => child !== undefined && child.kill(signal);
  return {
    name,
    unexpectedExits,
    pid: () => child?.pid,
    signal: send,
    async end(signal, pause) {
      const ending = child;
      if (ending === undefined) return;
      downMs = pause;
      asked = true;
      const gone = once(ending, 'exit');
      send(signal);
      await gone;
    },
    async stop(patienceMs) {
      wanted = false;
      const ending = child;
      if (ending === undefined) return true;
      asked = true;
      const gone = once(ending, 'exit');
      send('SIGCONT');
      send('SIGTERM');
      const inTime = await Promise.race([gone.then(() => true), delay(patienceMs, false)]);
      if (!inTime) {
        ending.kill('SIGKILL');
        await gone;
      }
      return inTime;
    },
  };
}

export interface Found {
  pid: number;
  parent: number;
  command: string;
}

/** Returns every process with a mark; none on systems without /proc. */
export function findProcesses(mark: string): Found[] {
  return entries().flatMap((pid) => {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
      if (!environment.includes(`${markName}=${mark}`)) return [];
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const parent = Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1]);
      return /^State:\s+Z/m.test(status) ? [] : [{ pid, parent, command }];
    } catch {
      return []; // The process has ended, or belongs to another user.
    }
  });
}

function entries(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** Returns the trainers of a run. */
export function findTrainers(mark: string): Found[] {
  return findProcesses(mark).filter(({ command }) => command.endsWith('trainer.js'));
}
