import type { StoredDataset } from '@distillery/spec';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Problem } from '../../api/problem.ts';
import { request } from '../../api/request.ts';
import { sendFile } from '../../api/send-file.ts';
import { Button } from '../../components/button.tsx';
import { bytes, percent } from '../../format/numbers.ts';

/** What is being sent. */
interface Sending {
  file: File;
  share: number;
}

/** Sends a file, or names one on the web, and makes a data set of it; the service recognises what it is. */
export function AddDataset({ onAdded }: { onAdded: (dataset: StoredDataset) => void }) {
  const [sending, setSending] = useState<Sending>();
  const [problem, setProblem] = useState<Problem>();
  const [url, setUrl] = useState('');
  const stop = useRef(new AbortController());
  useEffect(() => () => stop.current.abort(), []);
  const make = async (describe: (signal: AbortSignal) => Promise<object>) => {
    stop.current = new AbortController();
    const { signal } = stop.current;
    setProblem(undefined);
    try {
      const body = await describe(signal);
      onAdded(await request<StoredDataset>('/v1/datasets', { method: 'POST', body, signal }));
    } catch (thrown) {
      if (signal.aborted) return;
      if (!(thrown instanceof Problem)) throw thrown;
      setProblem(thrown);
    } finally {
      setSending(undefined);
    }
  };
  const add = (file: File) =>
    make(async (signal) => {
      setSending({ file, share: 0 });
      return { upload: await sendFile(file, (share) => setSending({ file, share }), signal) };
    });
  return (
    <div class="add-data">
      <form
        class="from-web"
        onSubmit={(event) => {
          event.preventDefault();
          void make(async () => ({ url: url.trim() }));
        }}
      >
        <input
          type="url"
          value={url}
          onInput={({ currentTarget }) => setUrl(currentTarget.value)}
          aria-label="Address of a file on the web"
          placeholder="https://…/pets.zip"
          autocomplete="off"
          required
        />
        <Button small type="submit">
          Fetch
        </Button>
      </form>
      {sending === undefined ? (
        <label class="btn primary">
          Add a file
          <input
            class="skip"
            type="file"
            onChange={({ currentTarget }) => {
              const file = currentTarget.files?.[0];
              currentTarget.value = '';
              if (file !== undefined) void add(file);
            }}
          />
        </label>
      ) : (
        <div class="sending" role="status">
          <span>
            {sending.share < 1
              ? `${sending.file.name}: ${percent(sending.share, 0)} % of ${bytes(sending.file.size)}`
              : `${sending.file.name} is looked at`}
          </span>
          <progress value={sending.share} max={1} aria-label={`Sending ${sending.file.name}`} />
          <Button
            small
            onClick={() => {
              stop.current.abort();
              setSending(undefined);
            }}
          >
            Stop
          </Button>
        </div>
      )}
      {problem && (
        <p class="refusal" role="alert">
          {problem.message}
        </p>
      )}
    </div>
  );
}
