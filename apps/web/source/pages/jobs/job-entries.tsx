import type { JobSummary } from '@distillery/spec';
import { Check } from '../../components/check.tsx';
import { State } from '../../components/state.tsx';
import { ago, exactTime } from '../../format/times.ts';
import type { ColumnContext } from './columns.tsx';
import { accuracyText, GainText, Labels, nameOf, Progress, secondLine } from './job-parts.tsx';

interface JobEntriesProps {
  jobs: readonly JobSummary[];
  context: ColumnContext;
}

/** The jobs on a phone: an entry of a few lines each. */
export function JobEntries({ jobs, context: { selected, onSelect, onLabel, etas, now } }: JobEntriesProps) {
  return (
    <ul class="entries">
      {jobs.map((job) => {
        const second = secondLine(job, etas.get(job.id));
        return (
          <li key={job.id} class={selected.has(job.id) ? 'on' : undefined}>
            <div class="bar">
              <Check
                label={`Select ${nameOf(job)}`}
                checked={selected.has(job.id)}
                onChange={(on) => onSelect(job, on)}
              />
              <State state={job.state} />
              <time class="small muted push" title={exactTime(job.createdAt)}>
                {ago(job.createdAt, now)}
              </time>
            </div>
            <div class="jn">
              <a class="b" data-row href={`/jobs/${job.id}`}>
                {nameOf(job)}
              </a>
              <Labels job={job} onChoose={onLabel} />
            </div>
            {second && <div class={`small ${job.state === 'failed' ? 'bad-text' : 'muted'}`}>{second}</div>}
            {job.best && (
              <div class="bar small">
                <span class="two">{job.best.name}</span>
                <span class="push">{accuracyText(job)} %</span>
                <b class="num">
                  <GainText job={job} />
                </b>
              </div>
            )}
            <Progress job={job} />
          </li>
        );
      })}
    </ul>
  );
}
