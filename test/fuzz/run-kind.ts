import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Damaged files of one kind, which follow from the seed. */
export interface FuzzTask {
  kind: string;
  /** The number of the first file. */
  first: number;
  files: number;
  seed: number;
}

/** What came of them. */
export interface FuzzEnd {
  /** Steps that ended well, and those that ended with an error that names what is wrong. */
  read: number;
  refused: number;
  /** Other errors, files outside of the cache, crashes and hangs, each with the number of its file. */
  faults: string[];
  longestMs: number;
  /** The most memory of the process. */
  peakBytes: number;
}

/** A step that takes longer hangs: one on a whole file takes some milliseconds, and a group of rows of Parquet has 30 s at most. */
const patienceMs = 60_000;
/** MiB of JavaScript's memory that a process may take; small files need a fraction of it. */
const heapMiB = 512;

/** Reads damaged files of one kind in a process of its own; behind a crash or a hang another process goes on. */
export async function runKind(task: FuzzTask): Promise<FuzzEnd> {
  const { first, files } = task;
  let all: FuzzEnd = { read: 0, refused: 0, faults: [], longestMs: 0, peakBytes: 0 };
  for (let at = first; at < first + files; ) {
    const { end, last, how } = await runProcess({ ...task, first: at, files: first + files - at });
    if (end === undefined) all.faults.push(`file ${last}: the process ${how}`);
    else {
      all = {
        read: all.read + end.read,
        refused: all.refused + end.refused,
        faults: [...all.faults, ...end.faults],
        longestMs: Math.max(all.longestMs, end.longestMs),
        peakBytes: Math.max(all.peakBytes, end.peakBytes),
      };
    }
    at = end === undefined ? last + 1 : first + files;
  }
  return all;
}

async function runProcess(task: FuzzTask): Promise<{ end: FuzzEnd | undefined; last: number; how: string }> {
  const child = fork(fileURLToPath(new URL('program.ts', import.meta.url)), [JSON.stringify(task)], {
    execArgv: ['--import', 'tsx', `--max-old-space-size=${heapMiB}`],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let [last, how] = [task.first, ''];
  let end: FuzzEnd | undefined;
  const hang = () => {
    how = `hung for ${patienceMs / 1000} s`;
    child.kill('SIGKILL');
  };
  let timer = setTimeout(hang, patienceMs);
  child.on('message', (message: { file?: number; end?: FuzzEnd }) => {
    clearTimeout(timer);
    timer = setTimeout(hang, patienceMs);
    last = message.file ?? last;
    end = message.end;
  });
  return new Promise((resolve) => {
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      resolve({ end, last, how: how || `ended with ${signal ?? code}` });
    });
  });
}
