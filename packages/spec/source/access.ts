import { z } from 'zod';

/** Who may do what, as the API shows it. */

/** Each may do what those before it may. */
export const scopes = ['read', 'submit', 'admin'] as const;
/** `read`: every GET. `submit`: also jobs of one's own. `admin`: everything, with everybody's jobs. */
export type Scope = (typeof scopes)[number];

/** Whether a key of this scope may do what asks for that one. */
export function allows(scope: Scope, needed: Scope): boolean {
  return scopes.indexOf(scope) >= scopes.indexOf(needed);
}

/** The name of a key is the owner of its jobs: several keys of one name are one owner, which is how a key is replaced. */
export const ownerSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$/,
    'must be 1-63 letters, digits, dots, dashes, underscores and @',
  );

export const auditEntrySchema = z.object({
  id: z.string(),
  time: z.iso.datetime(),
  key: z.string().nullable().describe("the key's id; null: none was given, none is known, or none is needed"),
  owner: z.string().nullable().describe("the key's name"),
  action: z.string().describe('method and page, or what was done from the command line'),
  job: z.string().nullable(),
  status: z.number().int().nullable().describe('of the answer; null: it was no request'),
  code: z.string().nullable().describe('of the error, where it was refused'),
  request: z.string().nullable().describe('its id, as in the log'),
  address: z.string().nullable(),
});
/** Somebody has changed something, or was refused. */
export type AuditEntry = z.output<typeof auditEntrySchema>;
