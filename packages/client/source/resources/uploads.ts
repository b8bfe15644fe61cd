import type { Upload } from '@distillery/spec';
import { sendFile, type UploadOptions } from '../send-file.ts';
import type { CallOptions, Transport } from '../transport.ts';

/** The calls about files that are uploaded for data sets and networks. */
export function uploads(transport: Transport) {
  const path = (id: string) => `/v1/uploads/${encodeURIComponent(id)}`;
  return {
    /**
     * Uploads a file in pieces, and goes on where it ended when a connection is cut. In Node, `openAsBlob` of `node:fs` makes a blob
     * of a file without reading it.
     *
     * @throws ApiError `upload_too_large`; `storage_quota`
     * @throws DigestError when the service has other bytes than were sent
     * @example
     * const { id } = await client.uploads.send(await openAsBlob('pets.zip'), { name: 'pets.zip' });
     */
    send: (file: Blob, options: UploadOptions = {}): Promise<Upload> => sendFile(transport, file, options),

    /**
     * Lists the uploads of the owner, the newest first.
     *
     * @example
     * const unfinished = (await client.uploads.list()).filter(({ state }) => state === 'receiving');
     */
    list: async (options: CallOptions = {}): Promise<Upload[]> =>
      (await transport.json<{ uploads: Upload[] }>({ path: '/v1/uploads', ...options })).uploads,

    /**
     * Returns an upload, with the digest of the file when it is complete.
     *
     * @throws ApiError `upload_not_found`
     * @example
     * const { offset, size } = await client.uploads.get(id);
     */
    get: (id: string, options: CallOptions = {}): Promise<Upload> =>
      transport.json<Upload>({ path: path(id), ...options }),

    /**
     * Removes an upload. What was made from it stays.
     *
     * @throws ApiError `upload_not_found`
     * @example
     * await client.uploads.delete(id);
     */
    delete: (id: string, options: CallOptions = {}): Promise<void> =>
      transport.done({ path: path(id), method: 'DELETE', ...options }),
  };
}
