import { styleText } from 'node:util';
import type { JobView, StageView } from '@distillery/spec';
import { bar } from './bar.ts';
import { fitting } from './fit.ts';
import { duration, percent } from './format.ts';
import type { Series } from './series.ts';
import { sparkline } from './sparkline.ts';
import { idleLine, stageTitle, tookOf, waitOf } from './stage-words.ts';
import { stateIcon, stateWord } from './state-words.ts';

/** The curves of a stage: its loss, and its accuracy on the validation split. */
export interface StageCurves {
  loss: Series;
  accuracy: Series;
}

export interface Screen {
  /** Columns of the terminal. */
  width: number;
  /** Lines of the terminal. */
  height: number;
}

const titleColumns = 30;
const curveColumns = 12;

/** Draws a job that is watched: its state, then its stages, those that run with a bar and their curves. */
export function watchLines(
  job: JobView,
  curvesOf: (stage: string) => StageCurves | undefined,
  { width, height }: Screen,
  now = Date.now(),
): string[] {
  const idle = idleLine(job);
  const head = fitting(
    [
      { text: styleText('bold', job.name ?? job.id), rank: 0 },
      { text: stateWord(job.state), rank: 0 },
      { text: bar(job.progress / 100, 20), rank: 3 },
      { text: `${Math.round(job.progress)} %`, rank: 1 },
      { text: job.etaSeconds === null ? tookOf(job, now) : `${duration(job.etaSeconds)} left`, rank: 2 },
    ],
    width - 3,
  );
  const warnings = job.warnings.length;
  const foot = [
    ...(idle === undefined ? [] : [`  ${idle}`]),
    ...(warnings === 0
      ? []
      : [
          styleText(
            'yellow',
            `  ! ${warnings} warning${warnings === 1 ? '' : 's'}; see: distill show ${job.id}`,
          ),
        ]),
  ];
  const titles = Math.min(titleColumns, Math.max(...job.stages.map((stage) => stageTitle(stage).length), 0));
  const { stages, before, after } = shownStages(job.stages, Math.max(3, height - foot.length - 5));
  const more = (count: number, what: string) =>
    count === 0 ? [] : [styleText('dim', `  … ${count} more ${what}`)];
  return [
    `  ${head}`,
    '',
    ...more(before, 'above'),
    ...stages.map((stage) => `  ${stageLine(stage, curvesOf(stage.id), titles, width - 3, now)}`),
    ...more(after, 'below'),
    ...(foot.length === 0 ? [] : ['', ...foot]),
  ];
}

/** Returns the part of the stages around those that run that fits, and how many are left out before and after it. */
function shownStages(all: readonly StageView[], most: number) {
  if (all.length <= most) return { stages: all, before: 0, after: 0 };
  const room = most - 2;
  const active = all.findIndex(({ state }) => state === 'running' || state === 'queued');
  const from = Math.max(0, Math.min(all.length - room, (active === -1 ? all.length : active) - 2));
  return { stages: all.slice(from, from + room), before: from, after: all.length - from - room };
}

function stageLine(
  stage: StageView,
  curves: StageCurves | undefined,
  titles: number,
  width: number,
  now: number,
): string {
  const { state, progress, reason } = stage;
  const title = stageTitle(stage);
  const named = title.length > titles ? `${title.slice(0, titles - 1)}…` : title.padEnd(titles);
  const name = `${stateIcon(state)} ${named}`;
  const curve = (series: Series | undefined, style: 'yellow' | 'green') =>
    series === undefined || series.values.length < 2
      ? ''
      : styleText(style, sparkline(series.values, curveColumns));
  const accuracy = curves?.accuracy.last === undefined ? '' : `accuracy ${percent(curves.accuracy.last)}`;
  if (state === 'running') {
    const training = progress !== null && progress.steps > 0 ? progress : undefined;
    const loss = training?.loss ?? null;
    return fitting(
      [
        { text: name, rank: 0 },
        { text: bar(progress?.fraction ?? 0, 10), rank: 3 },
        {
          text:
            training === undefined
              ? (progress?.phase ?? 'starting')
              : `epoch ${Math.min(training.epoch + 1, training.epochs)}/${training.epochs}`,
          rank: 1,
        },
        { text: loss === null ? '' : `loss ${loss.toFixed(3)}`, rank: 2 },
        { text: curve(curves?.loss, 'yellow'), rank: 4 },
        { text: accuracy, rank: 5 },
        { text: curve(curves?.accuracy, 'green'), rank: 6 },
      ],
      width,
    );
  }
  if (state === 'succeeded') {
    return fitting(
      [
        { text: name, rank: 0 },
        { text: styleText('dim', tookOf(stage, now).padStart(7)), rank: 1 },
        { text: accuracy, rank: 2 },
        { text: curve(curves?.accuracy, 'green'), rank: 3 },
      ],
      width,
    );
  }
  const why = reason?.message ?? '';
  if (state === 'failed') return `${name}  ${styleText('red', why)}`;
  const wait = waitOf(stage);
  return `${name}  ${styleText('dim', why === '' ? wait : `again, after: ${why}`)}`.trimEnd();
}
