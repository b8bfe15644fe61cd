import type { DatasetProfile, StoredDataset } from '@distillery/spec';
import { useEffect, useState } from 'preact/hooks';
import { Problem } from '../../api/problem.ts';
import { send } from '../../api/request.ts';
import { useLoad } from '../../api/use-load.ts';
import { Button } from '../../components/button.tsx';
import { Confirm } from '../../components/dialog.tsx';
import { Facts } from '../../components/facts.tsx';
import { Icon } from '../../components/icon.tsx';
import { ErrorBox, Loading } from '../../components/page-states.tsx';
import { toast } from '../../components/toast.tsx';
import { bytes, counted, number } from '../../format/numbers.ts';
import { pagePaths } from '../../paths.ts';
import { navigate } from '../../router/location.ts';
import type { PageProps } from '../../routes.ts';
import { useTitle } from '../../use-title.ts';
import { useNow } from '../../view/use-now.ts';
import { DatasetState } from '../datasets/dataset-state.tsx';
import { shapeWords } from '../datasets/shape-words.ts';
import { ClassesCard } from './classes-card.tsx';
import './dataset.css';
import { PreviewCard } from './preview-card.tsx';
import { SkippedCard } from './skipped-card.tsx';

/** A data set: what is in it, what is wrong with it, and how a job names it. */
export default function DatasetPage({ params: { id = '' } }: PageProps) {
  const { data, error, pending, reload } = useLoad<StoredDataset>(`/v1/datasets/${id}`);
  const profile = useLoad<DatasetProfile>(data?.state === 'ready' ? `/v1/datasets/${id}/profile` : null);
  useTitle(data?.name ?? 'Data');
  const now = useNow(2000);
  const [removing, setRemoving] = useState(false);
  useEffect(() => {
    if (data?.state === 'profiling' || data?.state === 'fetching') reload();
  }, [now]);
  if (pending) return <Loading />;
  if (data === undefined)
    return error && <ErrorBox title="Could not load the data set" problem={error} onRetry={reload} />;
  const remove = async () => {
    try {
      await send(`/v1/datasets/${id}`, { method: 'DELETE' });
      toast(`${data.name} is deleted.`);
      navigate(pagePaths.datasets);
    } catch (thrown) {
      if (!(thrown instanceof Problem)) throw thrown;
      toast(thrown.message, { failed: true });
      setRemoving(false);
    }
  };
  return (
    <>
      <div class="head">
        <h1>{data.name}</h1>
        <DatasetState state={data.state} />
        <div class="push">
          <Button kind="danger" onClick={() => setRemoving(true)}>
            Delete…
          </Button>
        </div>
      </div>
      <div class="stack">
        <Facts class="facts" facts={factsOf(data, profile.data)} />
        {data.state === 'fetching' && (
          <section class="card">
            <div class="body lead" role="status">
              <p>The service fetches the file, and goes on after interruptions.</p>
              <progress
                aria-label={`Fetching ${data.file.name}`}
                {...(data.file.size !== null && { value: data.received ?? 0, max: data.file.size })}
              />
            </div>
          </section>
        )}
        {data.state === 'profiling' && (
          <section class="card">
            <p class="body lead">
              The file is read for the first time. Jobs can name the data set when it is ready.
            </p>
          </section>
        )}
        {data.error && (
          <ErrorBox
            title={data.state === 'failed' ? 'The file was not fetched' : 'This file cannot be used'}
            problem={refusal(data.error)}
          />
        )}
        {data.state === 'ready' && (
          <section class="card" aria-label="In a job">
            <header>
              <h2>In a job</h2>
              <div class="push">
                <Button
                  small
                  icon="copy"
                  onClick={() => void navigator.clipboard?.writeText(lineOf(id)).then(() => toast('Copied.'))}
                >
                  Copy
                </Button>
              </div>
            </header>
            <pre class="body line">{lineOf(id)}</pre>
          </section>
        )}
        {profile.pending && <Loading />}
        {profile.error && (
          <ErrorBox title="Could not load the profile" problem={profile.error} onRetry={profile.reload} />
        )}
        {profile.data && <Profile profile={profile.data} />}
      </div>
      {removing && (
        <Confirm
          title={`Delete ${data.name}?`}
          action="Delete the data set"
          onConfirm={() => void remove()}
          onClose={() => setRemoving(false)}
        >
          <p>New jobs can no longer name it. Jobs that use it keep what they need of the file.</p>
        </Confirm>
      )}
    </>
  );
}

const lineOf = (id: string) => `"dataset": { "source": "uploaded", "id": "${id}" }`;

function refusal({ code, message, errors }: NonNullable<StoredDataset['error']>): Problem {
  return new Problem({ status: 422, code, title: '', detail: message, fields: errors });
}

function factsOf(
  { file, source, summary, url, received }: StoredDataset,
  profile: DatasetProfile | undefined,
) {
  const facts: [string, string][] = [
    ['File', file.size === null ? file.name : `${file.name}, ${bytes(file.size)}`],
  ];
  if (url !== undefined) facts.push(['From', url]);
  if (received !== undefined) facts.push(['Fetched', bytes(received)]);
  if (source !== null) facts.push(['Source', source]);
  if (summary !== null) {
    const { train, validation, test } = summary;
    facts.push(['For training', counted(train, 'sample')]);
    if (validation !== undefined) facts.push(['For validation', counted(validation, 'sample')]);
    facts.push(['For testing', counted(test, 'sample')], ['A sample', shapeWords(summary)]);
  }
  if (profile !== undefined) facts.push(['Decoded', bytes(profile.bytes)]);
  return facts;
}

function Profile({ profile }: { profile: DatasetProfile }) {
  const { warnings, notes, duplicates } = profile;
  const points = [...warnings, ...notes];
  return (
    <>
      {points.length > 0 && (
        <section class="card" aria-label="Warnings">
          <header>
            {warnings.length > 0 && (
              <span class="warn-icon">
                <Icon name="warning" />
              </span>
            )}
            <h2>{warnings.length > 0 ? counted(warnings.length, 'warning') : 'Notes'}</h2>
          </header>
          <ul class="notices">
            {points.map((point) => (
              <li key={point}>
                <p>{point}</p>
              </li>
            ))}
          </ul>
        </section>
      )}
      <PreviewCard profile={profile} />
      <ClassesCard profile={profile} />
      <SkippedCard profile={profile} />
      {duplicates.examples.length > 0 && (
        <section class="card" aria-label="Equal samples">
          <header>
            <h2>Equal samples</h2>
            <span class="muted small">
              {number(duplicates.train)} in training, {number(duplicates.leaks)} in both splits,{' '}
              {number(duplicates.conflicts)} of different classes
            </span>
          </header>
          <ul class="body small">
            {duplicates.examples.map(({ first, second }) => (
              <li key={`${first.split} ${first.index} ${second.split} ${second.index}`}>
                {nameOf(first)} <span class="muted">equals</span> {nameOf(second)}
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

function nameOf({ split, index, name }: DatasetProfile['duplicates']['examples'][number]['first']): string {
  return name ?? `${split === 'train' ? 'training' : 'test'} sample ${number(index)}`;
}
