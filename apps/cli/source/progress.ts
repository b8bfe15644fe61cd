import { styleText } from 'node:util';
import type { JobView, StageView } from '@distillery/spec';
import { bar } from './bar.ts';
import { fitting } from './fit.ts';
import { duration, integer } from './format.ts';
import { idleLine, stageTitle, tookOf } from './stage-words.ts';

/**
 * Writes a job's progress to a log: a line when an epoch begins, a stage ends or the job waits, so that logs stay short.
 */
export function progressLog(out: Pick<NodeJS.WriteStream, 'write'>) {
  /** Keys of the lines that are written once. */
  const written = new Set<string>();
  let idle: string | undefined;
  const note = (text: string) => void out.write(`${text}\n`);

  return {
    note,
    show(job: JobView): void {
      for (const stage of job.stages) {
        if (stage.state === 'succeeded' && !written.has(stage.id)) {
          written.add(stage.id);
          const title = stageTitle(stage).padEnd(28);
          note(`${styleText('green', '✔')} ${title} ${styleText('dim', tookOf(stage))}`);
        }
        if (stage.state !== 'running' || stage.progress === null) continue;
        const key = `${stage.id} ${stage.progress.phase} ${stage.progress.epoch}`;
        if (written.has(key)) continue;
        written.add(key);
        note(`  ${lineOf(stage, job)}`);
      }
      const before = idle;
      // Between two stages a job waits for a moment, which is no line of a log.
      idle = job.state === 'running' && job.waitingFor === 'turn' ? undefined : idleLine(job);
      if (idle !== undefined && idle !== before) note(`  ${idle}`);
    },
    settle: async () => {},
    end: () => {},
  };
}

/** Describes a running stage in one line. */
function lineOf(stage: StageView, job: JobView): string {
  const { progress } = stage;
  const training = progress !== null && progress.steps > 0 ? progress : undefined;
  const parts = [stageTitle(stage).padEnd(28), bar(progress?.fraction ?? 0), progress?.phase ?? 'starting'];
  if (training !== undefined) {
    const { epoch, epochs, step, steps, loss, samplesPerSecond } = training;
    parts.push(`epoch ${Math.min(epoch + 1, epochs)}/${epochs}`, `step ${integer(step)}/${integer(steps)}`);
    if (loss !== null) parts.push(`loss ${loss.toFixed(3)}`);
    if (samplesPerSecond !== null) parts.push(`${integer(samplesPerSecond)} samples/s`);
  }
  if (job.etaSeconds !== null)
    parts.push(`job ${Math.round(job.progress)} %`, `${duration(job.etaSeconds)} left`);
  return fitting(
    parts.map((text) => ({ text, rank: 0 })),
    Infinity,
  );
}
