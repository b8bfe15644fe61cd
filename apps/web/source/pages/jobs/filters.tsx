import type { JobState, JobSummary } from '@distillery/spec';
import { useRef } from 'preact/hooks';
import { Icon } from '../../components/icon.tsx';
import { Menu } from '../../components/menu.tsx';
import { Segments } from '../../components/segments.tsx';
import { stateWord } from '../../components/state.tsx';
import { number } from '../../format/numbers.ts';
import { useKeys } from '../../keyboard/keys.ts';
import { navigate } from '../../router/location.ts';
import type { QueryChanges } from '../../router/query.ts';
import { isJobId, type JobFilter } from './job-filter.ts';

/** The states that the list can be narrowed to; a state that passes within seconds is found among all. */
const shown: readonly JobState[] = ['running', 'queued', 'paused', 'failed', 'succeeded', 'cancelled'];

interface FiltersProps {
  filter: JobFilter;
  /** How many jobs there are in each state; undefined while it is not known. */
  counts: Partial<Record<JobState, number>> | undefined;
  /** The loaded jobs, whose labels and owners can be chosen. */
  jobs: readonly JobSummary[];
  onChange: (changes: QueryChanges, options?: { replace?: boolean }) => void;
}

/** What narrows the list of jobs down: a search, the state, labels and the owner. */
export function Filters({ filter, counts, jobs, onChange }: FiltersProps) {
  const input = useRef<HTMLInputElement>(null);
  useKeys({ '/': { does: 'Search', run: () => input.current?.focus() } });
  const labels = new Set(jobs.flatMap((job) => Object.entries(job.labels).map((pair) => pair.join('='))));
  for (const label of filter.labels) labels.add(label);
  const owners = new Set(jobs.flatMap(({ owner }) => owner ?? []));
  if (filter.owner !== null) owners.add(filter.owner);
  const all = counts === undefined ? undefined : Object.values(counts).reduce((sum, count) => sum + count, 0);
  const counted = (word: string, count: number | undefined) => (
    <>
      {word} {count !== undefined && <span class="muted">{number(count)}</span>}
    </>
  );
  return (
    <div class="bar filters" role="search">
      <label class="field grow">
        <Icon name="search" />
        <span class="skip">Search jobs</span>
        <input
          ref={input}
          type="search"
          placeholder="Name, id or label=value"
          value={filter.search}
          onInput={({ currentTarget }) => onChange({ q: currentTarget.value }, { replace: true })}
          onKeyDown={({ key, currentTarget }) => {
            if (key === 'Escape') currentTarget.blur();
            if (key === 'Enter' && isJobId(filter.search)) navigate(`/jobs/${filter.search}`);
          }}
        />
        <kbd class="wide">/</kbd>
      </label>
      <Segments
        label="State"
        value={filter.state ?? 'all'}
        options={[
          { value: 'all', label: counted('All', all) },
          ...shown.map((state) => ({ value: state, label: counted(stateWord(state), counts?.[state]) })),
        ]}
        onChange={(state) => onChange({ state: state === 'all' ? null : state })}
      />
      {labels.size > 0 && (
        <Menu
          align="right"
          items={[...labels].sort().map((label) => ({
            label,
            checked: filter.labels.includes(label),
            stay: true,
            run: () =>
              onChange({
                label: filter.labels.includes(label)
                  ? filter.labels.filter((one) => one !== label)
                  : [...filter.labels, label],
              }),
          }))}
        >
          {filter.labels.length === 0 ? 'Label' : filter.labels.join(', ')}
        </Menu>
      )}
      {owners.size > 0 && (
        <Menu
          align="right"
          items={[...owners].sort().map((owner) => ({
            label: owner,
            checked: filter.owner === owner,
            run: () => onChange({ owner: filter.owner === owner ? null : owner }),
          }))}
        >
          {filter.owner ?? 'Owner'}
        </Menu>
      )}
    </div>
  );
}
