import { Check } from '../../components/check.tsx';
import { Icon } from '../../components/icon.tsx';
import { Segments } from '../../components/segments.tsx';
import { Select } from '../../components/select.tsx';
import { useQuery } from '../../router/query.ts';
import type { TabProps } from './job-tabs.ts';
import { LogLines } from './log-lines.tsx';

/** The lines that the trainers of a job and their supervisors have logged; new ones follow. */
export default function LogsTab({ job }: TabProps) {
  const [query, change] = useQuery();
  const stage = query.get('stage') ?? '';
  const level = query.get('level') ?? '';
  const text = query.get('q') ?? '';
  const follow = query.get('follow') !== 'off';
  return (
    <section class="card tall-log" aria-label="Log">
      <header>
        <h2>Log</h2>
        <span class="push" />
        <label class="field log-search">
          <Icon name="search" />
          <input
            type="search"
            placeholder="Filter the lines"
            aria-label="Filter the lines"
            value={text}
            onInput={({ currentTarget }) => change({ q: currentTarget.value || null }, { replace: true })}
          />
        </label>
        <Select
          label="Stage"
          value={stage}
          options={[
            { value: '', label: 'All stages' },
            ...job.stages.map(({ id }) => ({ value: id, label: id })),
          ]}
          onChange={(value) => change({ stage: value || null })}
        />
        <Segments
          label="Level"
          value={level}
          options={[
            { value: '', label: 'All' },
            { value: 'warn', label: 'Warnings' },
            { value: 'error', label: 'Errors' },
          ]}
          onChange={(value) => change({ level: value || null })}
        />
        <label class="bar follow">
          <Check
            label="Follow"
            checked={follow}
            onChange={(on) => change({ follow: on ? null : 'off' }, { replace: true })}
          />
          <span aria-hidden="true">Follow</span>
        </label>
      </header>
      <LogLines job={job.id} tail={500} stage={stage} level={level} follow={follow} text={text} />
    </section>
  );
}
