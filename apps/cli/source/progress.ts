import { styleText } from 'node:util';
import type { JobView, StageView } from '@distillery/spec';
import { duration, integer } from './format.ts';

/** What is shown instead of progress while a job waits. */
const idleStates: Partial<Record<JobView['state'], (id: string) => string>> = {
  queued: () => 'queued, waiting for a worker',
  pausing: () => 'pausing, its trainers write checkpoints',
  paused: (id) => `paused; go on with: distill resume ${id}`,
  cancelling: () => 'cancelling, its trainers write checkpoints',
};

/**
 * Shows a job's progress. On a terminal it rewrites one line. Elsewhere it writes a line when an epoch begins, a stage
 * ends or the job waits, so that logs stay short.
 */
export function progressPrinter(out: NodeJS.WriteStream) {
  /** Keys of the lines that are shown once. */
  const shown = new Set<string>();
  let idle: string | undefined;
  /** Whether the cursor is in a line that is still to be rewritten. */
  let unfinished = false;

  return {
    show(job: JobView): void {
      for (const stage of job.stages) {
        if (stage.state === 'succeeded' && !shown.has(stage.id)) {
          shown.add(stage.id);
          print(`${styleText('green', '✔')} ${title(stage)} ${styleText('dim', tookOf(stage))}`);
        }
        if (stage.state === 'running' && !out.isTTY) {
          const key = `${stage.id} ${stage.progress?.phase} ${stage.progress?.epoch}`;
          if (stage.progress !== null && !shown.has(key)) {
            shown.add(key);
            print(`  ${lineOf(stage, job)}`);
          }
        }
      }
      const before = idle;
      idle = idleStates[job.state]?.(job.id);
      if (!out.isTTY) {
        if (idle !== undefined && idle !== before) print(`  ${idle}`);
        return;
      }
      const running = job.stages.find((stage) => stage.state === 'running');
      if (idle !== undefined) rewrite(`  ${idle}`);
      else if (running !== undefined) rewrite(`  ${lineOf(running, job)}`);
    },
    /** Prints a line that stays. */
    note: print,
    /** Removes the line that is being rewritten. */
    end(): void {
      if (unfinished) out.write('\r\x1b[2K');
      unfinished = false;
    },
  };

  function print(text: string): void {
    if (unfinished) out.write('\r\x1b[2K');
    unfinished = false;
    out.write(`${text}\n`);
  }

  function rewrite(text: string): void {
    out.write(`\r\x1b[2K${fitted(text, out.columns ?? 100)}`);
    unfinished = true;
  }
}

/** `student soft_target, seed 42`, `teacher wide`, `outputs of assistant, seed 42`, `peers, seed 42` */
function title({ kind, network, seed }: StageView): string {
  const withSeed = seed === null ? '' : `, seed ${seed}`;
  const first = network === 'teacher';
  const titles: Record<string, string> = {
    student: `student ${network}${withSeed}`,
    mutual: `peers${withSeed}`,
    auxiliary: `auxiliary ${network}`,
    teacher: first ? 'teacher' : `teacher ${network}`,
    outputs: first ? 'outputs' : `outputs of ${network}${withSeed}`,
  };
  return (titles[kind] ?? kind).padEnd(28);
}

function tookOf({ startedAt, finishedAt }: StageView): string {
  if (startedAt === null || finishedAt === null) return '';
  return duration((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000);
}

function lineOf(stage: StageView, job: JobView): string {
  const eta =
    job.etaSeconds === null ? '' : `job ${Math.round(job.progress)} %, ${duration(job.etaSeconds)} left`;
  const { progress } = stage;
  if (progress === null || progress.steps === 0) {
    return [title(stage), bar(progress?.fraction ?? 0), progress?.phase ?? 'starting', eta].join('  ');
  }
  return [
    title(stage),
    bar(progress.fraction),
    progress.phase,
    `epoch ${Math.min(progress.epoch + 1, progress.epochs)}/${progress.epochs}`,
    `step ${integer(progress.step)}/${integer(progress.steps)}`,
    progress.loss === null ? '' : `loss ${progress.loss.toFixed(3)}`,
    progress.samplesPerSecond === null ? '' : `${integer(progress.samplesPerSecond)} images/s`,
    eta,
  ]
    .filter((part) => part !== '')
    .join('  ');
}

function bar(fraction: number, width = 16): string {
  const full = Math.round(Math.min(1, Math.max(0, fraction)) * width);
  return styleText('cyan', '━'.repeat(full)) + styleText('dim', '━'.repeat(width - full));
}

const escapeSequence = new RegExp(`(${String.fromCharCode(27)}\\[[0-9;]*m)`);

/** Cuts a line at the width of the terminal; escape sequences have no width. */
function fitted(text: string, width: number): string {
  let left = width - 1;
  let result = '';
  for (const part of text.split(escapeSequence)) {
    if (escapeSequence.test(part)) result += part;
    else {
      result += part.slice(0, Math.max(0, left));
      left -= part.length;
    }
  }
  return result;
}
