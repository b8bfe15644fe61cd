import { z } from 'zod';
import { ownerSchema, projectNameSchema, scopes } from './access.ts';

export const sessionViewSchema = z.object({
  keys: z
    .enum(['required', 'off'])
    .describe('Whether requests need an API key; `off` only where no other machine can reach the service.'),
  caller: z
    .object({
      id: z.string().describe('The id of the API key.'),
      name: z
        .string()
        .describe('The owner of its jobs: the name of the API key, behind its project where it has one.'),
      project: z.string().nullable().describe('The project whose jobs it sees; null for those of all.'),
      scope: z.enum(scopes).describe('What the API key permits.'),
    })
    .nullable()
    .describe('The API key of the session, or of the request; null without one.'),
});
/** Who uses the service, as a page asks before it shows anything. */
export type SessionView = z.output<typeof sessionViewSchema>;

export const apiKeySchema = z.object({
  id: z.string().describe('The id of the key, which is no secret.'),
  name: z.string().describe('The owner of the jobs that are submitted with it.'),
  project: z
    .string()
    .nullable()
    .describe(
      'Its project. Unless its scope is `admin`, it sees what belongs to this project alone; null: no project.',
    ),
  scope: z
    .enum(scopes)
    .describe(
      '`read`: every GET. `submit`: also submits and controls jobs of its owner. `admin`: everything.',
    ),
  jobs: z
    .number()
    .int()
    .nullable()
    .describe('The most unfinished jobs of its owner; null for the setting API_JOBS.'),
  rate: z.number().int().nullable().describe('The most requests a minute; null for the setting API_RATE.'),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().nullable().describe('When it ends by itself; null: never.'),
  revokedAt: z.iso.datetime().nullable().describe('When it was revoked; null while it is valid.'),
  lastUsedAt: z.iso.datetime().nullable().describe('The last use, to the minute; null before the first.'),
});
/** An API key without its secret. */
export type ApiKeyView = z.output<typeof apiKeySchema>;

export const newApiKeySchema = z.strictObject({
  name: ownerSchema.describe('The owner of its jobs. Keys of the same name are one owner.'),
  project: projectNameSchema.nullable().default(null).describe('A project that exists; null: none.'),
  scope: z.enum(scopes).default('submit').describe('What the key permits.'),
  jobs: z.number().int().min(1).nullable().default(null).describe('The most unfinished jobs of its owner.'),
  rate: z.number().int().min(1).nullable().default(null).describe('The most requests a minute.'),
  expiresAt: z.iso.datetime().nullable().default(null).describe('When it ends by itself; null: never.'),
});

/** An API key as it is created; what is left out has a default. */
export type NewApiKeyInput = z.input<typeof newApiKeySchema>;

export const createdApiKeySchema = apiKeySchema.extend({
  token: z.string().describe('The key itself, `dk_…`. It is shown only here; the service keeps its hash.'),
});
/** A key that was just created, with its secret. */
export type CreatedApiKey = z.output<typeof createdApiKeySchema>;
