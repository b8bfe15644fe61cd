import { styleText } from 'node:util';
import type { JobView, StageView } from '@distillery/spec';
import { duration, integer } from './format.ts';
import { visible } from './table.ts';

/** What is shown instead of progress while a job is stopped. */
const idleStates: Partial<Record<JobView['state'], (id: string) => string>> = {
  pausing: () => 'pausing, its trainers write checkpoints',
  paused: (id) => `paused; go on with: distill resume ${id}`,
  cancelling: () => 'cancelling, its trainers write checkpoints',
};

/** What is shown while a job waits, by what it waits for. */
const waits: Partial<Record<NonNullable<JobView['waitingFor']>, string>> = {
  turn: 'waiting for its turn',
  worker: 'waiting: no worker is running',
  capability: 'waiting: no running worker supports what the next stage requires',
};

/** What is shown instead of progress while no stage of a job runs. */
function idleLine({ id, state, waitingFor }: JobView): string | undefined {
  const stopped = idleStates[state]?.(id);
  const wait = waitingFor === null ? undefined : waits[waitingFor];
  return stopped ?? (state === 'queued' ? `queued, ${wait ?? 'about to begin'}` : wait);
}

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
          print(`${styleText('green', '✔')} ${title(stage).padEnd(28)} ${styleText('dim', tookOf(stage))}`);
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
      // Between two stages a job waits for a moment, which is no line of a log.
      idle = job.state === 'running' && job.waitingFor === 'turn' && !out.isTTY ? undefined : idleLine(job);
      if (!out.isTTY) {
        if (idle !== undefined && idle !== before) print(`  ${idle}`);
        return;
      }
      const running = job.stages.find((stage) => stage.state === 'running');
      if (idle !== undefined) rewrite(`  ${idle}`);
      else if (running !== undefined) rewrite(`  ${lineOf(running, job, (out.columns ?? 100) - 3)}`);
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
  return titles[kind] ?? kind;
}

function tookOf({ startedAt, finishedAt }: StageView): string {
  if (startedAt === null || finishedAt === null) return '';
  return duration((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000);
}

/** Describes a running stage in at most `width` columns: the less important parts are left out first. */
function lineOf(stage: StageView, job: JobView, width = Infinity): string {
  const { progress } = stage;
  const training = progress !== null && progress.steps > 0 ? progress : undefined;
  const left = job.etaSeconds === null ? '' : `${duration(job.etaSeconds)} left`;
  const [loss, speed] = [training?.loss ?? null, training?.samplesPerSecond ?? null];
  const parts: Part[] = [
    { text: title(stage).padEnd(width < 100 ? 0 : 28), rank: 0 },
    { text: bar(progress?.fraction ?? 0), rank: 4 },
    { text: progress?.phase ?? 'starting', rank: training === undefined ? 0 : 5 },
  ];
  if (training !== undefined) {
    const { epoch, epochs, step, steps } = training;
    parts.push({ text: `epoch ${Math.min(epoch + 1, epochs)}/${epochs}`, rank: 3 });
    parts.push({ text: `step ${integer(step)}/${integer(steps)}`, rank: 7 });
    parts.push({ text: loss === null ? '' : `loss ${loss.toFixed(3)}`, rank: 6 });
    parts.push({ text: speed === null ? '' : `${integer(speed)} images/s`, rank: 8 });
  }
  if (left !== '') {
    parts.push({ text: `job ${Math.round(job.progress)} %`, rank: 2 }, { text: left, rank: 1 });
  }
  return fitting(
    parts.filter(({ text }) => text !== ''),
    width,
  );
}

interface Part {
  text: string;
  /** 0 for the part that is never left out; the highest one is left out first. */
  rank: number;
}

function fitting(parts: readonly Part[], width: number): string {
  const line = parts.map(({ text }) => text).join('  ');
  if (parts.length <= 1 || visible(line) <= width) return line;
  const last = Math.max(...parts.map(({ rank }) => rank));
  return fitting(
    parts.filter(({ rank }) => rank !== last),
    width,
  );
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
