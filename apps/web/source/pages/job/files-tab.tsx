import type { CatalogueEntry, Checkpoint } from '@distillery/spec';
import { useLoad } from '../../api/use-load.ts';
import { ButtonLink } from '../../components/button.tsx';
import { Mark } from '../../components/mark.tsx';
import { Empty, ErrorBox, Loading } from '../../components/page-states.tsx';
import { EpochChoice } from '../../components/epoch-choice.tsx';
import { Select } from '../../components/select.tsx';
import { sortOf, sortText } from '../../components/sort.ts';
import { type Column, Table } from '../../components/table.tsx';
import { bytes, nothing, number } from '../../format/numbers.ts';
import { useQuery } from '../../router/query.ts';
import type { JobNetworks } from './job-networks.ts';
import type { TabProps } from './job-tabs.ts';

/** The weights of a job, in every format that the service writes, and its other files. */
export default function FilesTab({ job, report, networks }: TabProps) {
  const base = `/v1/jobs/${encodeURIComponent(job.id)}`;
  const { data, error, pending, reload } = useLoad<{ checkpoints: Checkpoint[] }>(`${base}/checkpoints`);
  const formats = useLoad<{ formats: CatalogueEntry[] }>('/v1/formats').data?.formats ?? [];
  const [query, change] = useQuery();
  const format = query.get('format') ?? formats[0]?.type ?? 'safetensors';
  const chosen = query.get('epoch') === 'last' ? 'last' : 'best';
  const known = formats.find(({ type }) => type === format);
  const choices = choicesOf(known);
  const options = Object.fromEntries(
    choices.flatMap(({ name, values, usual }) => {
      const value = query.get(name);
      return value !== null && value !== usual && values.includes(value) ? [[name, value]] : [];
    }),
  );
  const asStored = format === formats[0]?.type && Object.keys(options).length === 0;
  if (error && data === undefined) {
    return (
      <section class="card">
        <ErrorBox title="Could not load the files" problem={error} onRetry={reload} />
      </section>
    );
  }
  if (pending || data === undefined) return <Loading label="Loading the files" />;
  const rows = data.checkpoints.filter(({ checkpoint }) => checkpoint === chosen);
  return (
    <div class="stack">
      <section class="card">
        <header>
          <h2>Weights</h2>
          <span class="small muted">{known?.summary}</span>
          <span class="push" />
          {formats.length > 0 && (
            <Select
              small
              label="Format"
              value={format}
              options={formats.map(({ type }) => ({ value: type, label: type }))}
              onChange={(value) =>
                change({
                  format: value === formats[0]?.type ? null : value,
                  ...Object.fromEntries(choices.map(({ name }) => [name, null])),
                })
              }
            />
          )}
          {choices.map(({ name, values, usual }) => (
            <Select
              key={name}
              small
              label={name}
              value={options[name] ?? usual}
              options={values.map((value) => ({ value, label: value }))}
              onChange={(value) => change({ [name]: value === usual ? null : value })}
            />
          ))}
          <EpochChoice chosen={chosen} change={change} />
        </header>
        {rows.length === 0 ? (
          <Empty icon="clock" title="No weights yet">
            <p>Weights appear here as soon as a network is trained.</p>
          </Empty>
        ) : (
          <Table
            label="Weights"
            sticky
            columns={columns(base, { format, ...options }, networks, Boolean(report)).filter(
              ({ name }) => asStored || !ofStored.has(name),
            )}
            rows={rows}
            rowKey={({ stage, checkpoint }) => `${stage} ${checkpoint}`}
            sort={sortOf(query.get('sort'), { by: '', descending: false })}
            onSort={(next) => change({ sort: sortText(next) })}
          />
        )}
      </section>
      <section class="card" aria-label="Other files">
        <header>
          <h2>Other files</h2>
        </header>
        <div class="body bar">
          {report && (
            <ButtonLink icon="download" href={`${base}/report`} download={`${job.id}-report.json`}>
              Report, JSON
            </ButtonLink>
          )}
          <ButtonLink icon="download" href={`${base}/spec`} download={`${job.id}-spec.json`}>
            Spec, JSON
          </ButtonLink>
        </div>
      </section>
    </div>
  );
}

/** Size and digest are those of the stored file; one of another format is made when it is downloaded. */
const ofStored = new Set(['size', 'digest']);

interface OptionChoice {
  name: string;
  values: string[];
  usual: string;
}

/** The options of a format that have a list of values. */
function choicesOf(format: CatalogueEntry | undefined): OptionChoice[] {
  interface Field {
    enum?: string[];
    default?: string;
  }
  const { properties = {} } = (format?.options ?? {}) as { properties?: Record<string, Field> };
  return Object.entries(properties).flatMap(([name, { enum: values, default: usual }]) =>
    values === undefined ? [] : [{ name, values, usual: usual ?? values[0] }],
  );
}

const columns = (
  base: string,
  chosen: Record<string, string>,
  networks: JobNetworks,
  /** Whether the report is there, so that bundles can hold its card. */
  bundled: boolean,
): Column<Checkpoint>[] => [
  {
    name: 'network',
    title: 'Network',
    names: true,
    sort: ({ network }) => network,
    cell: ({ network }) => (
      <span class="name">
        <Mark network={networks.roleOf(network)} />
        <span>{network}</span>
      </span>
    ),
  },
  {
    name: 'seed',
    title: 'Seed',
    number: true,
    sort: ({ seed }) => seed,
    cell: ({ seed }) => (seed === null ? nothing : String(seed)),
  },
  {
    name: 'epoch',
    title: 'Epoch',
    number: true,
    sort: ({ epoch }) => epoch,
    cell: ({ epoch }) => number(epoch),
  },
  { name: 'size', title: 'Size', number: true, sort: ({ size }) => size, cell: ({ size }) => bytes(size) },
  {
    name: 'digest',
    title: 'SHA-256',
    cell: ({ digest }) => (
      <code class="muted" title={digest}>
        {digest.slice(0, 16)}…
      </code>
    ),
  },
  {
    name: 'download',
    title: <span class="skip">Download</span>,
    number: true,
    cell: ({ network, seed, checkpoint }) => {
      const place =
        seed === null ? `teachers/${encodeURIComponent(network)}` : `students/${encodeURIComponent(network)}`;
      const query = new URLSearchParams({
        checkpoint,
        ...chosen,
        ...(seed === null ? {} : { seed: String(seed) }),
      });
      const described = seed === null ? network : `${network}, seed ${seed}`;
      return (
        <>
          {bundled && seed !== null && (
            <>
              <ButtonLink small icon="download" href={`${base}/${place}/bundle?${query}`} download="">
                Bundle
                <span class="skip"> {described}</span>
              </ButtonLink>{' '}
            </>
          )}
          <ButtonLink small icon="download" href={`${base}/${place}/weights?${query}`} download="">
            Download
            <span class="skip"> {described}</span>
          </ButtonLink>
        </>
      );
    },
  },
];
