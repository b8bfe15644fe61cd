import type { DatasetProfile, NewDatasetInput, StoredDataset } from '@distillery/spec';
import { delay } from '../delay.ts';
import { sendFile, type UploadOptions } from '../send-file.ts';
import type { CallOptions, Transport } from '../transport.ts';

/** What a data set is made of besides its file. */
export type DatasetDescription = Omit<NewDatasetInput, 'upload' | 'url' | 'sha256'>;

export interface AddOptions extends UploadOptions {
  /** Whether to return before the service has read the file; default false. */
  early?: boolean;
}

export interface FetchOptions extends CallOptions {
  /** The SHA-256 that the file must have, in hexadecimal. */
  sha256?: string | undefined;
  /** Whether to return before the service has the file; default false. */
  early?: boolean;
  /** Is told how the data set is, at each look at it. */
  onProgress?: ((dataset: StoredDataset) => void) | undefined;
}

/** Milliseconds between two looks at a data set that is being read; later ones are further apart. */
const [firstLookMs, laterLookMs] = [200, 2000];

/** The calls about data sets that are uploaded. */
export function datasets(transport: Transport) {
  const path = (id: string, below = '') => `/v1/datasets/${encodeURIComponent(id)}${below}`;

  const create = (dataset: NewDatasetInput, options: CallOptions = {}): Promise<StoredDataset> =>
    transport.json<StoredDataset>({
      path: '/v1/datasets',
      method: 'POST',
      body: dataset,
      // The same data set is kept once.
      repeatable: true,
      ...options,
    });

  const get = (id: string, options: CallOptions = {}): Promise<StoredDataset> =>
    transport.json<StoredDataset>({ path: path(id), ...options });

  async function wait(
    id: string,
    { onProgress, ...options }: Pick<FetchOptions, 'onProgress'> & CallOptions = {},
  ): Promise<StoredDataset> {
    for (let pause = firstLookMs; ; pause = Math.min(laterLookMs, 1.5 * pause)) {
      const dataset = await get(id, options);
      onProgress?.(dataset);
      if (dataset.state !== 'profiling' && dataset.state !== 'fetching') return dataset;
      await delay(pause, options.signal);
    }
  }

  return {
    /**
     * Uploads a file, makes a data set of it, and waits until the service has read it. A file that cannot be used gives a data set in
     * the state `refused`, whose `error` names the file or the line.
     *
     * @throws ApiError `data_error` where the service cannot tell what the file is; `invalid_body` for an option that does not fit
     * @example
     * const { id, summary } = await client.datasets.add(await openAsBlob('pets.zip'), {}, { name: 'pets.zip' });
     * await client.jobs.create({ ...spec, dataset: { source: 'uploaded', id } });
     */
    async add(
      file: Blob,
      description: DatasetDescription = {},
      { early = false, name, resume, onProgress, pieceBytes, ...options }: AddOptions = {},
    ): Promise<StoredDataset> {
      const upload = await sendFile(transport, file, { name, resume, onProgress, pieceBytes, ...options });
      const dataset = await create({ ...description, upload: upload.id }, options);
      return early ? dataset : await wait(dataset.id, options);
    },

    /**
     * Makes a data set of a file on the web, which the service fetches, and waits until it has read it. A file that cannot be fetched
     * gives a data set in the state `failed`, whose `error` tells why; calling it again goes on.
     *
     * @throws ApiError `invalid_body` for an address that is not public, or an option that does not fit
     * @example
     * const { id, state } = await client.datasets.fetch('https://example.com/pets.zip', { options: { size: [64, 64] } });
     */
    async fetch(
      url: string,
      description: DatasetDescription = {},
      { sha256, early = false, onProgress, ...options }: FetchOptions = {},
    ): Promise<StoredDataset> {
      const given = sha256 === undefined ? { url } : { url, sha256 };
      const dataset = await create({ ...description, ...given }, options);
      return early ? dataset : await wait(dataset.id, { onProgress, ...options });
    },

    /**
     * Makes a data set of an upload that is complete.
     *
     * @throws ApiError `upload_not_found`; `data_error` where the service cannot tell what the file is; `invalid_body`
     * @example
     * const { id } = await client.datasets.create({ upload: upload.id, source: 'image_folder', options: { size: [64, 64] } });
     */
    create,

    /**
     * Lists the data sets of the owner, the newest first.
     *
     * @example
     * for (const { id, name, state } of await client.datasets.list()) console.log(id, name, state);
     */
    list: async (options: CallOptions = {}): Promise<StoredDataset[]> =>
      (await transport.json<{ datasets: StoredDataset[] }>({ path: '/v1/datasets', ...options })).datasets,

    /**
     * Returns a data set.
     *
     * @throws ApiError `dataset_not_found`
     * @example
     * const { state, error } = await client.datasets.get(id);
     */
    get,

    /**
     * Waits until the service has fetched and read a data set.
     *
     * @returns the data set, `ready`, `refused` or `failed`
     * @throws ApiError `dataset_not_found`
     * @example
     * const { state, error } = await client.datasets.wait(id);
     */
    wait,

    /**
     * Returns what is in a data set: counts, sizes, statistics, duplicates, and a few samples.
     *
     * @throws ApiError `not_ready` while it is being read; `data_error` for one that is refused
     * @example
     * const { splits, duplicates } = await client.datasets.profile(id);
     */
    profile: (id: string, options: CallOptions = {}): Promise<DatasetProfile> =>
      transport.json<DatasetProfile>({ path: path(id, '/profile'), ...options }),

    /**
     * Deletes a data set. Jobs that use it keep its file.
     *
     * @throws ApiError `dataset_not_found`
     * @example
     * await client.datasets.delete(id);
     */
    delete: (id: string, options: CallOptions = {}): Promise<void> =>
      transport.done({ path: path(id), method: 'DELETE', ...options }),
  };
}
