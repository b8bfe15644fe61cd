import type {
  CreatedWebhook,
  Delivery,
  NewWebhookInput,
  WebhookChange,
  WebhookSecret,
  WebhookView,
} from '@distillery/spec';
import { type Listing, listing } from '../listing.ts';
import type { CallOptions, Transport } from '../transport.ts';

export interface DeliveryFilter {
  /** Deliveries in this state. */
  state?: Delivery['state'] | undefined;
  /** The most deliveries of a page, 1 to 100; default 20. */
  limit?: number | undefined;
  /** Deliveries after this position: `next` of a page. */
  after?: string | undefined;
}

export interface DeliveryPage {
  deliveries: Delivery[];
  next: string | null;
}

/** The calls about webhooks of the owner of the API key; with a key of scope `admin`, of all owners. */
export function webhooks(transport: Transport) {
  const path = (id: string, below = '') => `/v1/webhooks/${encodeURIComponent(id)}${below}`;

  return {
    /**
     * Creates a webhook, which is told of what happens from now on. Its secret is in this answer only.
     *
     * @throws ApiError `invalid_body`, with an entry in `errors` for each invalid field; `quota_exceeded`
     * @example
     * const { id, secret } = await client.webhooks.create({ url: 'https://ci.example.com/hook', events: ['job.failed'] });
     */
    create: (webhook: NewWebhookInput, options: CallOptions = {}): Promise<CreatedWebhook> =>
      transport.json<CreatedWebhook>({ path: '/v1/webhooks', method: 'POST', body: webhook, ...options }),

    /**
     * Lists webhooks in the order of their creation.
     *
     * @example
     * const disabled = (await client.webhooks.list()).filter(({ enabled }) => !enabled);
     */
    list: async (options: CallOptions = {}): Promise<WebhookView[]> =>
      (await transport.json<{ webhooks: WebhookView[] }>({ path: '/v1/webhooks', ...options })).webhooks,

    /**
     * Returns a webhook, without its secret.
     *
     * @throws ApiError `webhook_not_found`
     * @example
     * const { enabled, disabledReason } = await client.webhooks.get(id);
     */
    get: (id: string, options: CallOptions = {}): Promise<WebhookView> =>
      transport.json<WebhookView>({ path: path(id), ...options }),

    /**
     * Changes a webhook, enables or disables it. What is left out stays.
     *
     * @example
     * await client.webhooks.update(id, { enabled: true });
     */
    update: (id: string, change: WebhookChange, options: CallOptions = {}): Promise<WebhookView> =>
      transport.json<WebhookView>({ path: path(id), method: 'PATCH', body: change, ...options }),

    /**
     * Removes a webhook with its deliveries.
     *
     * @example
     * for (const { id } of await client.webhooks.list()) await client.webhooks.delete(id);
     */
    delete: (id: string, options: CallOptions = {}): Promise<void> =>
      transport.done({ path: path(id), method: 'DELETE', ...options }),

    /**
     * Replaces the secret. For a day each request has a signature of the old one, too.
     *
     * @example
     * const { secret, previousUntil } = await client.webhooks.rotateSecret(id);
     */
    rotateSecret: (id: string, options: CallOptions = {}): Promise<WebhookSecret> =>
      transport.json<WebhookSecret>({ path: path(id, '/secret'), method: 'POST', ...options }),

    /**
     * Sends an event of type `test` now, once.
     *
     * @returns how it went: `delivered`, or `failed` with the error of its attempt
     * @example
     * const { state, attempts } = await client.webhooks.test(id);
     */
    test: (id: string, options: CallOptions = {}): Promise<Delivery> =>
      transport.json<Delivery>({ path: path(id, '/test'), method: 'POST', timeoutMs: 90_000, ...options }),

    /**
     * Lists the deliveries of a webhook, newest first: those that wait, and the last 200 that have ended.
     *
     * @example
     * for await (const { type, attempts } of client.webhooks.deliveries(id, { state: 'failed' }))
     *   console.log(type, attempts.at(-1)?.error);
     */
    deliveries: (
      id: string,
      { after, ...query }: DeliveryFilter = {},
      options: CallOptions = {},
    ): Listing<Delivery, DeliveryPage> =>
      listing(
        (from = after) =>
          transport.json<DeliveryPage>({
            path: path(id, '/deliveries'),
            query: { ...query, after: from },
            ...options,
          }),
        { items: (page) => page.deliveries, next: (page) => page.next },
      ),

    /**
     * Sends an event again, as often as it takes.
     *
     * @throws ApiError `delivery_not_found`; `state_conflict` while the webhook is disabled
     * @example
     * for await (const { id } of client.webhooks.deliveries(webhook, { state: 'failed' }))
     *   await client.webhooks.redeliver(webhook, id);
     */
    redeliver: (id: string, delivery: string, options: CallOptions = {}): Promise<Delivery> =>
      transport.json<Delivery>({
        path: path(id, `/deliveries/${encodeURIComponent(delivery)}/redeliver`),
        method: 'POST',
        ...options,
      }),
  };
}
