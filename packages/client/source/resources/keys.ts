import type { ApiKeyView, CreatedApiKey, NewApiKeyInput } from '@distillery/spec';
import type { CallOptions, Transport } from '../transport.ts';

/** The calls about API keys. They need a key of scope `admin`. */
export function keys(transport: Transport) {
  return {
    /**
     * Lists the keys in the order of their creation, revoked ones too, without their secrets.
     *
     * @example
     * const valid = (await client.keys.list()).filter(({ revokedAt }) => revokedAt === null);
     */
    list: async (options: CallOptions = {}): Promise<ApiKeyView[]> =>
      (await transport.json<{ keys: ApiKeyView[] }>({ path: '/v1/keys', ...options })).keys,

    /**
     * Creates a key. Its `token` is in this answer only.
     *
     * @example
     * const { id, token } = await client.keys.create({ name: 'ana', scope: 'submit' });
     */
    create: (key: NewApiKeyInput, options: CallOptions = {}): Promise<CreatedApiKey> =>
      transport.json<CreatedApiKey>({ path: '/v1/keys', method: 'POST', body: key, ...options }),

    /**
     * Revokes a key: requests with it are refused from now on, and its sessions end.
     *
     * @throws ApiError `key_not_found`
     * @example
     * await client.keys.revoke(id);
     */
    revoke: (id: string, options: CallOptions = {}): Promise<void> =>
      transport.done({ path: `/v1/keys/${encodeURIComponent(id)}`, method: 'DELETE', ...options }),
  };
}
