import { randomBytes } from 'node:crypto';
import {
  DistilleryError,
  type NewWebhook,
  type WebhookChange,
  type WebhookEvent,
  type WebhookSecret,
  type WebhookView,
} from '@distillery/spec';
import { type Client, guarded } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import { countBeyond, run } from '../redis/script.ts';
import { changeWebhookScript, createWebhookScript, removeWebhookScript } from '../scripts/webhooks.ts';
import type { Fields } from './record.ts';

/** Whose webhooks are asked for: those of an owner (null: without one), or undefined for all. */
export type WebhookOwner = string | null | undefined;

/** For how long requests are signed with the old secret, too, after it was replaced. */
const overlapMs = 24 * 60 * 60 * 1000;

const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`;

/**
 * The keys of a script of webhooks.
 *
 * @param own the keys of the script itself, which come before those of the webhooks
 */
export function webhookKeys(keys: Keys, ids: readonly string[], own: readonly string[] = []): string[] {
  const parts = ['', ':deliveries', ':waiting', ':ended'];
  const each = [...new Set(ids)].flatMap((id) => parts.map((part) => `${keys.webhook(id)}${part}`));
  return [keys.webhooksDue, keys.webhook(''), ...own, ...each];
}

/** The webhooks of all owners. Their secrets are stored as they are, because requests are signed with them. */
export function webhookRecords(redis: Client, keys: Keys) {
  async function fieldsOf(id: string): Promise<Fields | undefined> {
    const fields = await redis.hgetall(keys.webhook(id));
    return fields.id === undefined ? undefined : fields;
  }

  /** The fields of a webhook that this owner may use. */
  async function owned(id: string, owner: WebhookOwner): Promise<Fields> {
    const fields = await fieldsOf(id);
    if (fields === undefined || (owner !== undefined && (fields.owner ?? null) !== owner)) throw missing(id);
    return fields;
  }

  async function viewOf(fields: Fields): Promise<WebhookView> {
    const waiting = await redis.zcard(`${keys.webhook(fields.id)}:waiting`);
    const time = (text: string | undefined) =>
      text === undefined ? null : new Date(Number(text)).toISOString();
    return {
      id: fields.id,
      owner: fields.owner ?? null,
      url: fields.url,
      description: fields.description,
      events: fields.events.split(' ') as WebhookEvent[],
      jobs: fields.jobs as WebhookView['jobs'],
      enabled: fields.enabled !== undefined,
      disabledAt: time(fields.disabledAt),
      disabledReason: fields.disabledReason ?? null,
      failingSince: time(fields.failingSince),
      lastDeliveredAt: time(fields.lastDeliveredAt),
      waiting,
      createdAt: fields.createdAt,
    };
  }

  async function changed(id: string, switched: string, pairs: Fields): Promise<void> {
    const args = [id, switched, ...Object.entries(pairs).flat()];
    if ((await run(redis, changeWebhookScript, webhookKeys(keys, [id]), args)) === 0) throw missing(id);
  }

  return {
    /**
     * Creates a webhook, which is told of what happens from now on.
     *
     * @param most the most webhooks that the owner may have; undefined: any number
     * @returns the webhook with its secret
     * @throws DistilleryError `quota_exceeded`
     */
    create: guarded(
      async (
        { secret = newSecret(), events, ...given }: NewWebhook,
        owner: string | null,
        most: number | undefined,
      ): Promise<WebhookView & { secret: string }> => {
        const id = `wh_${randomBytes(12).toString('hex')}`;
        const fields: Fields = {
          id,
          ...given,
          events: events.join(' '),
          secret,
          createdAt: new Date().toISOString(),
          enabled: '1',
          ...(owner === null ? {} : { owner }),
        };
        const places = [keys.webhooks, keys.webhooksOf(owner), keys.webhookCursor, keys.allEvents];
        const args = [id, most ?? '', ...Object.entries(fields).flat()];
        try {
          await run(redis, createWebhookScript, webhookKeys(keys, [id], places), args);
        } catch (error) {
          const count = countBeyond('QUOTA', error);
          if (count === undefined) throw error;
          const message = `${owner} has ${count} webhooks and may have ${most}: remove one first`;
          throw new DistilleryError('quota_exceeded', message, { cause: error });
        }
        return { ...(await viewOf(fields)), secret };
      },
    ),

    /** Lists webhooks in the order of their creation. */
    list: guarded(async (owner: WebhookOwner): Promise<WebhookView[]> => {
      const ids = await redis.smembers(owner === undefined ? keys.webhooks : keys.webhooksOf(owner));
      const found = (await Promise.all(ids.map(fieldsOf))).filter((fields) => fields !== undefined);
      const views = await Promise.all(found.map(viewOf));
      return views.sort((a, b) => (`${a.createdAt} ${a.id}` < `${b.createdAt} ${b.id}` ? -1 : 1));
    }),

    /** @throws DistilleryError `webhook_not_found` */
    get: guarded(
      async (id: string, owner: WebhookOwner): Promise<WebhookView> => viewOf(await owned(id, owner)),
    ),

    /** Changes what is given. @throws DistilleryError `webhook_not_found` */
    change: guarded(
      async (
        id: string,
        owner: WebhookOwner,
        { enabled, events, ...given }: WebhookChange,
      ): Promise<WebhookView> => {
        await owned(id, owner);
        const pairs = Object.entries({ ...given, events: events?.join(' ') });
        const kept = pairs.filter((pair): pair is [string, string] => pair[1] !== undefined);
        const switched = enabled === undefined ? '' : enabled ? 'enable' : 'its owner disabled it';
        await changed(id, switched, Object.fromEntries(kept));
        return viewOf(await owned(id, owner));
      },
    ),

    /**
     * Gives a webhook a new secret. For a day requests are signed with the old one, too.
     *
     * @throws DistilleryError `webhook_not_found`
     */
    rotate: guarded(async (id: string, owner: WebhookOwner): Promise<WebhookSecret> => {
      const { secret: previousSecret } = await owned(id, owner);
      const secret = newSecret();
      const until = Date.now() + overlapMs;
      await changed(id, '', { secret, previousSecret, previousUntil: String(until) });
      return { secret, previousUntil: new Date(until).toISOString() };
    }),

    /** The URL of a webhook and the secrets that sign its requests now. @throws DistilleryError `webhook_not_found` */
    target: guarded(
      async (id: string, owner: WebhookOwner): Promise<WebhookTarget> => targetOf(await owned(id, owner)),
    ),

    /** Removes a webhook with its deliveries. @throws DistilleryError `webhook_not_found` */
    remove: guarded(async (id: string, owner: WebhookOwner): Promise<void> => {
      const { owner: its = null } = await owned(id, owner);
      const places = [keys.webhooks, keys.webhooksOf(its), keys.webhookCursor];
      await run(redis, removeWebhookScript, webhookKeys(keys, [id], places), [id]);
    }),
  };
}
export type Webhooks = ReturnType<typeof webhookRecords>;

/** Where the requests of a webhook go, and what signs them. */
export interface WebhookTarget {
  url: string;
  /** The newest first. */
  secrets: string[];
}

/** @param fields the fields of a webhook, of which `previousSecret` and `previousUntil` may be absent or empty */
export function targetOf({ url, secret, previousSecret, previousUntil }: Fields): WebhookTarget {
  const old = previousSecret && Number(previousUntil) > Date.now() ? [previousSecret] : [];
  return { url, secrets: [secret, ...old] };
}

function missing(id: string): DistilleryError {
  return new DistilleryError('webhook_not_found', `there is no webhook ${JSON.stringify(id.slice(0, 100))}`);
}
