import { randomBytes, timingSafeEqual } from 'node:crypto';
import { type Scope, sha256 } from '@distillery/spec';
import { type Client, guarded } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import type { Fields } from './record.ts';

export interface NewApiKey {
  /** The owner of its jobs. */
  name: string;
  scope: Scope;
  /** Jobs of its owner that may be on their way at once; null: as many as the API allows by default. */
  jobs: number | null;
  /** Requests a minute; null: the API's default. */
  rate: number | null;
}

export interface ApiKey extends NewApiKey {
  id: string;
  createdAt: string;
  /** Null: it is good. */
  revokedAt: string | null;
  /** To the minute. */
  lastUsedAt: string | null;
}

const form = /^dk_([0-9a-f]{12})_([\w-]{43})$/;
const minute = 60_000;
/** No secret has it: what an unknown id is compared with. */
const noDigest = '0'.repeat(64);

/** Who may use the API. Of a key's secret only the SHA-256 is stored: 256 random bits need no slow hash. */
export function apiKeys(redis: Client, keys: Keys) {
  async function keyOf(id: string): Promise<ApiKey | undefined> {
    const fields = await redis.hgetall(keys.apiKey(id));
    return fields.id === undefined ? undefined : apiKeyOf(fields);
  }

  return {
    /** @returns the token too, `dk_<id>_<secret>`, which nobody can be shown again */
    create: guarded(async ({ name, scope, jobs, rate }: NewApiKey): Promise<ApiKey & { token: string }> => {
      const id = randomBytes(6).toString('hex');
      const secret = randomBytes(32).toString('base64url');
      const fields: Fields = { id, name, scope, digest: sha256(secret), createdAt: new Date().toISOString() };
      if (jobs !== null) fields.jobs = String(jobs);
      if (rate !== null) fields.rate = String(rate);
      // On the list first: a key that is good and stands on no list could not be revoked.
      await redis.sadd(keys.apiKeys, id);
      await redis.hset(keys.apiKey(id), fields);
      return { ...apiKeyOf(fields), token: `dk_${id}_${secret}` };
    }),

    /** In the order they were made, revoked ones too. */
    list: guarded(async (): Promise<ApiKey[]> => {
      const all = await Promise.all((await redis.smembers(keys.apiKeys)).map(keyOf));
      return all
        .filter((key) => key !== undefined)
        .sort((a, b) => (`${a.createdAt} ${a.id}` < `${b.createdAt} ${b.id}` ? -1 : 1));
    }),

    /** From now on it opens nothing; undefined when there is none. */
    revoke: guarded(async (id: string): Promise<ApiKey | undefined> => {
      if ((await keyOf(id)) === undefined) return undefined;
      await redis.hsetnx(keys.apiKey(id), 'revokedAt', new Date().toISOString());
      return keyOf(id);
    }),

    /** The key of a token; undefined when it opens nothing. Takes as long for an unknown id as for a wrong secret. */
    verify: guarded(async (token: string): Promise<ApiKey | undefined> => {
      const [, id, secret] = form.exec(token) ?? [];
      if (id === undefined || secret === undefined) return undefined;
      const fields: Fields = await redis.hgetall(keys.apiKey(id));
      const [own, given] = [fields.digest ?? noDigest, sha256(secret)].map((hex) => Buffer.from(hex, 'hex'));
      const right = timingSafeEqual(own, given);
      if (!right || fields.id === undefined || fields.revokedAt !== undefined) return undefined;
      const now = new Date();
      if (now.getTime() - Date.parse(fields.lastUsedAt ?? '1970-01-01') > minute) {
        // Nobody waits for it.
        redis.hset(keys.apiKey(id), 'lastUsedAt', now.toISOString()).catch(() => {});
      }
      return apiKeyOf(fields);
    }),
  };
}
export type ApiKeys = ReturnType<typeof apiKeys>;

function apiKeyOf(fields: Fields): ApiKey {
  const number = (text: string | undefined) => (text === undefined ? null : Number(text));
  return {
    id: fields.id,
    name: fields.name,
    scope: fields.scope as Scope,
    jobs: number(fields.jobs),
    rate: number(fields.rate),
    createdAt: fields.createdAt,
    revokedAt: fields.revokedAt ?? null,
    lastUsedAt: fields.lastUsedAt ?? null,
  };
}
