import type { JobSummary } from '@distillery/spec';
import { Check } from '../../components/check.tsx';
import { GainAxis, type GainScale, GainStrip } from '../../components/gain.tsx';
import { State } from '../../components/state.tsx';
import type { Column } from '../../components/table.tsx';
import { nothing } from '../../format/numbers.ts';
import { ago, duration, exactTime, secondsBetween } from '../../format/times.ts';
import { accuracyText, GainText, Labels, nameOf, Progress, secondLine, stageCounts } from './job-parts.tsx';

export interface ColumnContext {
  selected: ReadonlySet<string>;
  onSelect: (job: JobSummary, on: boolean) => void;
  onLabel: (label: string) => void;
  /** The estimated seconds until a job ends, by id. */
  etas: ReadonlyMap<string, number | null>;
  /** The scale of the drawn column; null while no job has a gain. */
  scale: GainScale | null;
  now: number;
}

/** The columns of the table of jobs. */
export function jobColumns(context: ColumnContext): Column<JobSummary>[] {
  const { selected, onSelect, onLabel, etas, scale, now } = context;
  const took = ({ startedAt, finishedAt }: JobSummary) => secondsBetween(startedAt, finishedAt, now);
  return [
    {
      name: 'select',
      title: <span class="skip">Select</span>,
      cell: (job) => (
        <Check
          label={`Select ${nameOf(job)}`}
          checked={selected.has(job.id)}
          onChange={(on) => onSelect(job, on)}
        />
      ),
    },
    {
      name: 'state',
      title: 'State',
      sort: ({ state }) => state,
      cell: ({ state }) => <State state={state} />,
    },
    {
      name: 'name',
      title: 'Job',
      names: true,
      sort: nameOf,
      cell: (job) => {
        const second = secondLine(job, etas.get(job.id));
        return (
          <>
            <div class="jn">
              <a class="b" data-row href={`/jobs/${job.id}`}>
                {nameOf(job)}
              </a>
              <Labels job={job} onChoose={onLabel} />
            </div>
            {second && (
              <div class={`small second ${job.state === 'failed' ? 'bad-text' : 'muted'}`} title={second}>
                {second}
              </div>
            )}
          </>
        );
      },
    },
    {
      name: 'stages',
      title: 'Stages',
      sort: (job) => stageCounts(job).done / stageCounts(job).all,
      cell: (job) => <Progress job={job} />,
    },
    {
      name: 'best',
      title: 'Best student',
      sort: ({ best }) => best?.name,
      cell: ({ best }) => best?.name ?? none,
    },
    {
      name: 'accuracy',
      title: 'Accuracy, %',
      number: true,
      sort: ({ best }) => best?.testAccuracy.mean,
      cell: accuracyText,
    },
    {
      name: 'strip',
      title: scale && <GainAxis scale={scale} />,
      label: 'Over control, drawn',
      class: 'strip',
      cell: ({ best }) => scale && <GainStrip gain={best?.overControl ?? null} scale={scale} />,
    },
    {
      name: 'gain',
      title: 'Over control, points',
      number: true,
      sort: ({ best }) => best?.overControl?.mean,
      cell: (job) => <GainText job={job} />,
    },
    {
      name: 'took',
      title: 'Took',
      number: true,
      class: 'two',
      sort: took,
      cell: (job) => duration(took(job)),
    },
    {
      name: 'started',
      title: 'Submitted',
      number: true,
      class: 'two',
      sort: ({ id }) => id,
      cell: ({ createdAt }) => <time title={exactTime(createdAt)}>{ago(createdAt, now)}</time>,
    },
  ];
}

const none = <span class="muted">{nothing}</span>;
