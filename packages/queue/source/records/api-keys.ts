import { randomBytes, timingSafeEqual } from 'node:crypto';
import { type Scope, sha256 } from '@distillery/spec';
import { type Client, guarded } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import type { Fields } from './record.ts';

export interface NewApiKey {
  /** The owner of its jobs. */
  name: string;
  scope: Scope;
  /** The most unfinished jobs of its owner; null for the default of the API. */
  jobs: number | null;
  /** The most requests a minute; null for the default of the API. */
  rate: number | null;
  /** The project that its owner belongs to; default none. */
  project?: string | null | undefined;
  /** When the key ends by itself; default never. */
  expiresAt?: string | null | undefined;
}

export interface ApiKey extends NewApiKey {
  id: string;
  project: string | null;
  expiresAt: string | null;
  createdAt: string;
  /** Null while the key is valid. */
  revokedAt: string | null;
  /** The last use, to the minute; null before the first. */
  lastUsedAt: string | null;
}

const form = /^dk_([0-9a-f]{12})_([\w-]{43})$/;
const minute = 60_000;
/** No secret has this digest; unknown ids are compared with it. */
const noDigest = '0'.repeat(64);

/** The API keys. Only the SHA-256 of a key's secret is stored: 256 random bits need no slow hash. */
export function apiKeys(redis: Client, keys: Keys) {
  async function keyOf(id: string): Promise<ApiKey | undefined> {
    const fields = await redis.hgetall(keys.apiKey(id));
    return fields.id === undefined ? undefined : apiKeyOf(fields);
  }

  return {
    /** Creates a key. @returns the key with its token, `dk_<id>_<secret>`, which cannot be read again */
    create: guarded(
      async ({
        name,
        scope,
        jobs,
        rate,
        project,
        expiresAt,
      }: NewApiKey): Promise<ApiKey & { token: string }> => {
        const id = randomBytes(6).toString('hex');
        const secret = randomBytes(32).toString('base64url');
        const fields: Fields = {
          id,
          name,
          scope,
          digest: sha256(secret),
          createdAt: new Date().toISOString(),
        };
        if (jobs !== null) fields.jobs = String(jobs);
        if (rate !== null) fields.rate = String(rate);
        if (project) fields.project = project;
        if (expiresAt) fields.expiresAt = new Date(expiresAt).toISOString();
        // On the list first: a valid key that is on no list could not be revoked.
        await redis.sadd(keys.apiKeys, id);
        await redis.hset(keys.apiKey(id), fields);
        return { ...apiKeyOf(fields), token: `dk_${id}_${secret}` };
      },
    ),

    /** Lists all keys in the order of their creation, revoked ones too. */
    list: guarded(async (): Promise<ApiKey[]> => {
      const all = await Promise.all((await redis.smembers(keys.apiKeys)).map(keyOf));
      return all
        .filter((key) => key !== undefined)
        .sort((a, b) => (`${a.createdAt} ${a.id}` < `${b.createdAt} ${b.id}` ? -1 : 1));
    }),

    /** Makes a key invalid from now on. @returns undefined when there is no such key */
    revoke: guarded(async (id: string): Promise<ApiKey | undefined> => {
      if ((await keyOf(id)) === undefined) return undefined;
      await redis.hsetnx(keys.apiKey(id), 'revokedAt', new Date().toISOString());
      return keyOf(id);
    }),

    /** The key of an id while it is valid: not revoked, and not at its end. Nothing proves that the sender has its secret: sessions, which began with it, ask this. */
    valid: guarded(async (id: string): Promise<ApiKey | undefined> => {
      const key = await keyOf(id);
      return key?.revokedAt === null && !hasExpired(key.expiresAt) ? key : undefined;
    }),

    /** The key of a token; undefined for an invalid one. Takes as long for an unknown id as for a wrong secret. */
    verify: guarded(async (token: string): Promise<ApiKey | undefined> => {
      const [, id, secret] = form.exec(token) ?? [];
      if (id === undefined || secret === undefined) return undefined;
      const fields: Fields = await redis.hgetall(keys.apiKey(id));
      const [own, given] = [fields.digest ?? noDigest, sha256(secret)].map((hex) => Buffer.from(hex, 'hex'));
      const right = timingSafeEqual(own, given);
      if (!right || fields.id === undefined || fields.revokedAt !== undefined) return undefined;
      if (hasExpired(fields.expiresAt)) return undefined;
      const now = new Date();
      if (now.getTime() - Date.parse(fields.lastUsedAt ?? '1970-01-01') > minute) {
        // Not awaited: the request need not wait for it.
        redis.hset(keys.apiKey(id), 'lastUsedAt', now.toISOString()).catch(() => {});
      }
      return apiKeyOf(fields);
    }),
  };
}
export type ApiKeys = ReturnType<typeof apiKeys>;

function hasExpired(at: string | null | undefined): boolean {
  return at !== undefined && at !== null && Date.parse(at) <= Date.now();
}

function apiKeyOf(fields: Fields): ApiKey {
  const number = (text: string | undefined) => (text === undefined ? null : Number(text));
  return {
    id: fields.id,
    name: fields.name,
    scope: fields.scope as Scope,
    jobs: number(fields.jobs),
    rate: number(fields.rate),
    project: fields.project ?? null,
    expiresAt: fields.expiresAt ?? null,
    createdAt: fields.createdAt,
    revokedAt: fields.revokedAt ?? null,
    lastUsedAt: fields.lastUsedAt ?? null,
  };
}
