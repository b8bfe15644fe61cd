import type { JobSummary } from '@distillery/spec';
import { useHighlighting } from '../../charts/highlight.tsx';
import { useLoad } from '../../api/use-load.ts';
import { Button } from '../../components/button.tsx';
import { Mark } from '../../components/mark.tsx';
import { Select } from '../../components/select.tsx';
import { ago } from '../../format/times.ts';
import type { Compared } from './compared.ts';

interface SetProps {
  jobs: readonly Compared[];
  ids: readonly string[];
  names: ReadonlyMap<string, string>;
  hidden: readonly string[];
  onSet: (ids: readonly string[]) => void;
  onHide: (id: string) => void;
}

/** The jobs of the comparison: hide one everywhere, take one out, add another. */
export function JobSet({ jobs, ids, names, hidden, onSet, onHide }: SetProps) {
  const highlight = useHighlighting();
  const known = useLoad<{ jobs: JobSummary[] }>('/v1/jobs?limit=100').data?.jobs ?? [];
  const others = known.filter(({ id }) => !ids.includes(id));
  return (
    <ul class="bar job-set" aria-label="Jobs that are compared">
      {jobs.map(({ id, network, job }, index) => {
        const name = names.get(id) ?? id;
        const isHidden = hidden.includes(id);
        return (
          <li
            key={id}
            class={isHidden ? 'job-chip off' : 'job-chip'}
            onPointerEnter={() => highlight.hover(id)}
            onPointerLeave={() => highlight.hover(null)}
          >
            <a class="name" href={`/jobs/${id}`}>
              <Mark network={network} />
              <span>{name}</span>
            </a>
            {index === 0 && <span class="tag">baseline</span>}
            {job.state !== 'succeeded' && <span class="tag">{job.state}</span>}
            {index > 0 && (
              <Button
                kind="quiet"
                small
                icon="up"
                label={`Compare with ${name}`}
                onClick={() => onSet([id, ...ids.filter((one) => one !== id)])}
              />
            )}
            <Button
              kind="quiet"
              small
              icon={isHidden ? 'eye-off' : 'eye'}
              label={isHidden ? `Show ${name}` : `Hide ${name} everywhere`}
              onClick={() => onHide(id)}
            />
            <Button
              kind="quiet"
              small
              icon="close"
              label={`Take ${name} out`}
              onClick={() => onSet(ids.filter((one) => one !== id))}
            />
          </li>
        );
      })}
      {others.length > 0 && (
        <li>
          <Select
            label="Add a job"
            value=""
            options={[
              { value: '', label: 'Add a job' },
              ...others.map(({ id, name, createdAt }) => ({
                value: id,
                label: `${name ?? id}, ${ago(createdAt)}`,
              })),
            ]}
            onChange={(id) => id !== '' && onSet([...ids, id])}
          />
        </li>
      )}
    </ul>
  );
}
