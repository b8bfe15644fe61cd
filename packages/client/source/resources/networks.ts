import type { Network, NetworkInput } from '@distillery/spec';
import { sendFile, type UploadOptions } from '../send-file.ts';
import type { CallOptions, Transport } from '../transport.ts';

/** The calls about networks that people bring as teachers. */
export function networks(transport: Transport) {
  const path = (id: string) => `/v1/networks/${encodeURIComponent(id)}`;
  const keep = (network: NetworkInput, options: CallOptions = {}): Promise<Network> =>
    transport.json<Network>({
      path: '/v1/networks',
      method: 'POST',
      body: network,
      // The same network is kept once.
      repeatable: true,
      ...options,
    });
  return {
    /**
     * Brings a network from a file that the service can read, or from an upload. A job names it by the digest of its weights.
     *
     * @throws ApiError `invalid_network`, with an entry in `errors` for each parameter that does not fit
     * @example
     * const { weights } = await client.networks.keep({ path: 'resnet56.pt', architecture, classes, input: [32, 32, 3], normalization });
     * await client.jobs.create({ ...spec, teacher: { type: 'stored', weights: weights.digest } });
     */
    keep,

    /**
     * Uploads a file of weights, and brings the network.
     *
     * @throws ApiError `invalid_network`, with an entry in `errors` for each parameter that does not fit
     * @example
     * await client.networks.add(await openAsBlob('resnet56.pt'), { architecture, classes, input: [32, 32, 3], normalization });
     */
    async add(
      file: Blob,
      network: Omit<NetworkInput, 'path' | 'upload'>,
      { name, resume, onProgress, pieceBytes, ...options }: UploadOptions = {},
    ): Promise<Network> {
      const upload = await sendFile(transport, file, { name, resume, onProgress, pieceBytes, ...options });
      return await keep({ ...network, upload: upload.id }, options);
    },

    /**
     * Lists the networks that were brought, the newest first.
     *
     * @example
     * for (const { id, name, parameters } of await client.networks.list()) console.log(id, name, parameters);
     */
    list: async (options: CallOptions = {}): Promise<Network[]> =>
      (await transport.json<{ networks: Network[] }>({ path: '/v1/networks', ...options })).networks,

    /**
     * Returns a network.
     *
     * @throws ApiError `network_not_found`
     * @example
     * const { weights } = await client.networks.get(id);
     */
    get: (id: string, options: CallOptions = {}): Promise<Network> =>
      transport.json<Network>({ path: path(id), ...options }),

    /**
     * Removes a network. Jobs that name its weights keep them.
     *
     * @throws ApiError `network_not_found`; `forbidden` for a network of another owner
     * @example
     * await client.networks.remove(id);
     */
    remove: (id: string, options: CallOptions = {}): Promise<void> =>
      transport.done({ path: path(id), method: 'DELETE', ...options }),
  };
}
