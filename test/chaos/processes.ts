import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';

const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

/** The variable by which processes of a run are found, also when their parents are gone. */
export const markName = 'DISTILLERY_CHAOS';

/** A process that is started again whenever it ends, as a container would be, until it is told to stop. */
export interface Managed {
  name: string;
  /** Each time that it has ended without having been killed or told to. */
  surprises: readonly string[];
  /** Of the process that runs now; undefined while it is down. */
  pid(): number | undefined;
  /** False where there is none to send it to. */
  signal(signal: NodeJS.Signals): boolean;
  /** SIGKILL or SIGTERM; another one starts `downMs` after it is gone. */
  end(signal: 'SIGKILL' | 'SIGTERM', downMs: number): Promise<void>;
  /** SIGTERM, for good. False: it had to be killed after `patienceMs`. */
  stop(patienceMs: number): Promise<boolean>;
}

/** @param log a file that its output is added to */
export function manage(
  name: string,
  { script, env, log }: { script: string; env: Record<string, string>; log: string },
): Managed {
  let wanted = true;
  let child: ChildProcess | undefined;
  let downMs = 500;
  let asked = false;
  const surprises: string[] = [];

  function start(): void {
    const output = openSync(log, 'a');
    const started = spawn(process.execPath, ['--import', loader, script], {
      env: { ...process.env, ...env },
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    child = started;
    started.once('exit', (code, signal) => {
      child = undefined;
      if (!asked) surprises.push(`${name} ended by itself: ${signal ?? `exit code ${code}`}`);
      const pause = asked ? downMs : 500;
      asked = false;
      if (wanted) setTimeout(() => wanted && start(), pause).unref();
    });
  }
  start();

  const send = (signal: NodeJS.Signals) => child !== undefined && child.kill(signal);
  return {
    name,
    surprises,
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

/** Every process of a run, by its mark; none on systems without /proc. */
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
      return []; // it has just ended, or is somebody else's
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

/** Trainers that work on a stage, whoever started them. */
export function findTrainers(mark: string): Found[] {
  return findProcesses(mark).filter(({ command }) => command.endsWith('trainer.ts'));
}
