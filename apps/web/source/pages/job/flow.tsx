import type { JobView, Report, StageView } from '@distillery/spec';
import type { StageState } from '@distillery/spec/states';
import { State } from '../../components/state.tsx';
import { bytes, number, percent } from '../../format/numbers.ts';
import { namesOf } from './job-networks.ts';
import { about, duration, secondsBetween } from '../../format/times.ts';

/** The kinds of stages as people think of them, in the order of the work. */
const steps: readonly { title: string; kinds: readonly string[] }[] = [
  { title: 'Teacher', kinds: ['teacher'] },
  { title: 'Outputs', kinds: ['outputs', 'auxiliary'] },
  { title: 'Students', kinds: ['student', 'mutual'] },
  { title: 'Report', kinds: ['report'] },
];

/** The way of a job from its teacher to its report, with what is done and what comes. */
export function Flow({ job, report }: { job: JobView; report: Report | undefined }) {
  const known = new Set(steps.flatMap(({ kinds }) => kinds));
  const others = job.stages.filter(({ kind }) => !known.has(kind));
  const shown = steps
    .map(({ title, kinds }) => ({
      title,
      stages: job.stages.filter(({ kind }) => kinds.includes(kind)),
    }))
    .concat(others.length === 0 ? [] : [{ title: 'Other', stages: others }])
    .filter(({ stages }) => stages.length > 0);
  return (
    <ol class="flow" aria-label="Stages">
      {shown.map(({ title, stages }) => (
        <li key={title} class={stages.length > 4 ? 'wide-step' : undefined}>
          <div class="k">
            <h2 class="step-title">{title}</h2>
            <State state={stateOf(stages)} />
          </div>
          <div class="small two">{words(stages, job, report)}</div>
          <div class="small muted">{times(title, stages, job)}</div>
          {stages.length > 1 && <Pieces stages={stages} />}
        </li>
      ))}
    </ol>
  );
}

/** The state of several stages as one. */
function stateOf(stages: readonly StageView[]): StageState {
  const states = new Set(stages.map(({ state }) => state));
  for (const state of ['failed', 'running'] as const) if (states.has(state)) return state;
  if (states.size === 1) return stages[0].state;
  if (states.has('cancelled')) return 'cancelled';
  return states.has('succeeded') && states.has('queued')
    ? 'running'
    : states.has('queued')
      ? 'queued'
      : 'waiting';
}

function words(stages: readonly StageView[], { state }: JobView, report: Report | undefined): string {
  const [first] = stages;
  if (stages.length > 1) {
    const count = (wanted: StageState) => stages.filter((stage) => stage.state === wanted).length;
    const running = count('running');
    const left = count('queued') + count('waiting');
    return [
      `${count('succeeded')} of ${stages.length} done`,
      ...(running > 0 ? [`${running} running`] : []),
      ...(left > 0 && state !== 'cancelled' ? [`${left} to come`] : []),
    ].join(' · ');
  }
  if (first.kind === 'teacher' && report !== undefined) {
    return report.teachers.map(({ best }) => `${percent(best.testAccuracy)} % test accuracy`).join(', ');
  }
  if (first.kind === 'outputs' && report !== undefined) {
    return report.outputs
      .map(({ taps, bytes: size }) => `${taps.join(', ')} · ${bytes(size)} cached`)
      .join(', ');
  }
  if (first.state === 'running' && first.progress !== null) return progressWords(first);
  if (first.kind === 'report')
    return first.state === 'succeeded' ? 'all networks are compared' : 'after the last student';
  return first.reason?.message ?? (first.networks.length === 0 ? '' : `for ${namesOf(first).join(', ')}`);
}

function progressWords({ progress }: StageView): string {
  if (progress === null) return '';
  const { phase, epoch, epochs, fraction } = progress;
  return epochs > 0
    ? `${phase}, epoch ${Math.min(epoch + 1, epochs)} of ${epochs}`
    : `${phase}, ${number(fraction * 100)} %`;
}

function times(title: string, stages: readonly StageView[], { etaSeconds }: JobView): string {
  if (title === 'Report' && etaSeconds !== null && stages[0].state !== 'succeeded')
    return `${about(etaSeconds)} left`;
  const seconds = stages
    .filter(({ finishedAt, state }) => finishedAt !== null || state === 'running')
    .map(({ startedAt, finishedAt }) => secondsBetween(startedAt, finishedAt) ?? 0)
    .reduce((sum, one) => sum + one, 0);
  const workers = [...new Set(stages.flatMap(({ worker }) => (worker === null ? [] : [worker])))];
  if (seconds === 0 && workers.length === 0) return '';
  const where =
    workers.length === 1 ? ` on ${workers[0]}` : workers.length > 1 ? ` on ${workers.length} workers` : '';
  return `${duration(seconds)}${where}`;
}

/** One piece for each stage, filled as far as it is. */
function Pieces({ stages }: { stages: readonly StageView[] }) {
  return (
    <div class="progress pieces" aria-hidden="true">
      {stages.map(({ id, state, progress }) => {
        const done = state === 'succeeded' ? 1 : state === 'running' ? (progress?.fraction ?? 0) : 0;
        return (
          <i key={id} class={state}>
            <b style={{ width: `${done * 100}%` }} />
          </i>
        );
      })}
    </div>
  );
}
