import type { StoredDataset } from '@distillery/spec';
import { useEffect } from 'preact/hooks';
import { useLoad } from '../../api/use-load.ts';
import { Icon } from '../../components/icon.tsx';
import { Empty, ErrorBox, Loading } from '../../components/page-states.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { bytes, counted, nothing, number } from '../../format/numbers.ts';
import { ago, exactTime } from '../../format/times.ts';
import { navigate } from '../../router/location.ts';
import { useTitle } from '../../use-title.ts';
import { useNow } from '../../view/use-now.ts';
import { AddDataset } from './add-dataset.tsx';
import { DatasetState } from './dataset-state.tsx';
import './datasets.css';
import { shapeWords } from './shape-words.ts';

/** The data sets that people have uploaded. */
export default function DatasetsPage() {
  useTitle('Data');
  const { data, error, pending, reload } = useLoad<{ datasets: StoredDataset[] }>('/v1/datasets');
  const now = useNow(2000);
  const reading = data?.datasets.some(({ state }) => state === 'profiling' || state === 'fetching') ?? false;
  useEffect(() => {
    if (reading) reload();
  }, [now, reading]);
  return (
    <>
      <div class="head">
        <h1>Data</h1>
        <div class="push">
          <AddDataset onAdded={({ id }) => navigate(`/datasets/${id}`)} />
        </div>
      </div>
      <section class="card">
        {pending && <Loading />}
        {error && <ErrorBox title="Could not load the data sets" problem={error} onRetry={reload} />}
        {data &&
          (data.datasets.length === 0 ? (
            <Empty icon="list" title="No data sets yet">
              <p>
                Add a zip or tar archive of images in folders of their classes, or a CSV, JSON Lines, Parquet
                or NPZ file, or the address of one on the web. Large files resume with{' '}
                <code>distill datasets add FILE</code>.
              </p>
            </Empty>
          ) : (
            <Table
              label="Data sets"
              columns={columns(now)}
              rows={data.datasets}
              rowKey={({ id }) => id}
              sticky
            />
          ))}
      </section>
    </>
  );
}

function columns(now: number): Column<StoredDataset>[] {
  return [
    {
      name: 'name',
      title: 'Data set',
      names: true,
      cell: ({ id, name, source }) => (
        <>
          <a href={`/datasets/${id}`}>
            <b>{name}</b>
          </a>
          <div class="small muted">{source ?? 'not recognised yet'}</div>
        </>
      ),
    },
    { name: 'state', title: 'State', cell: ({ state }) => <DatasetState state={state} /> },
    {
      name: 'samples',
      title: 'Samples',
      cell: ({ summary, error, received }) =>
        summary === null ? (
          <span class="small muted">
            {error?.message ?? (received === undefined ? nothing : `${bytes(received)} have come`)}
          </span>
        ) : (
          <>
            {number(summary.train)} for training, {number(summary.test)} for testing
            <div class="small muted">
              {counted(summary.classes, 'class', 'classes')}, {shapeWords(summary)}
            </div>
          </>
        ),
    },
    {
      name: 'warnings',
      title: 'Warnings',
      cell: ({ summary }) =>
        summary === null || summary.warnings.length === 0 ? (
          <span class="muted">{nothing}</span>
        ) : (
          <span class="warned">
            <span class="warn-icon">
              <Icon name="warning" />
            </span>{' '}
            {number(summary.warnings.length)}
          </span>
        ),
    },
    {
      name: 'size',
      title: 'File',
      number: true,
      class: 'two',
      cell: ({ file }) => (file.size === null ? nothing : bytes(file.size)),
    },
    {
      name: 'age',
      title: 'Added',
      number: true,
      class: 'two',
      cell: ({ createdAt }) => <time title={exactTime(createdAt)}>{ago(createdAt, now)}</time>,
    },
  ];
}
