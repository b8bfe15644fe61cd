import { styleText } from 'node:util';
import type { JobView, StageView } from '@distillery/spec';
import { duration, integer } from './format.ts';

/**
 * Shows a job's progress: on a terminal one line that is drawn anew, elsewhere a line whenever a stage or an epoch
 * ends, so that logs stay short.
 */
export function progressPrinter(out: NodeJS.WriteStream) {
  const told = new Set<string>();
  let drawn = false;

  return {
    show(job: JobView): void {
      for (const stage of job.stages) {
        if (stage.state === 'succeeded' && !told.has(stage.id)) {
          told.add(stage.id);
          print(`${styleText('green', '✔')} ${title(stage)} ${styleText('dim', tookOf(stage))}`);
        }
        if (stage.state === 'running' && !out.isTTY) {
          const key = `${stage.id} ${stage.progress?.phase} ${stage.progress?.epoch}`;
          if (stage.progress !== null && !told.has(key)) {
            told.add(key);
            print(`  ${lineOf(stage, job)}`);
          }
        }
      }
      const running = job.stages.find((stage) => stage.state === 'running');
      if (out.isTTY && running !== undefined) redraw(`  ${lineOf(running, job)}`);
    },
    note: print,
    end(): void {
      if (drawn) out.write('\r\x1b[2K');
      drawn = false;
    },
  };

  function print(text: string): void {
    if (drawn) out.write('\r\x1b[2K');
    drawn = false;
    out.write(`${text}\n`);
  }

  function redraw(text: string): void {
    out.write(`\r\x1b[2K${fitted(text, out.columns ?? 100)}`);
    drawn = true;
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

/** Cuts at the terminal's width; escape sequences take no room. */
function fitted(text: string, width: number): string {
  let room = width - 1;
  let result = '';
  for (const part of text.split(escapeSequence)) {
    if (escapeSequence.test(part)) result += part;
    else {
      result += part.slice(0, Math.max(0, room));
      room -= part.length;
    }
  }
  return result;
}
