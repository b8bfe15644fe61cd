import { z } from 'zod';

/** Scopes of API keys and the audit log. */

/** The scopes of API keys; each includes the ones before it. */
export const scopes = ['read', 'submit', 'admin'] as const;
/** `read`: every GET. `submit`: also submits jobs and controls its owner's jobs. `admin`: everything, with all jobs. */
export type Scope = (typeof scopes)[number];

/** Whether a key of this scope may do what needs the other one. */
export function allows(scope: Scope, needed: Scope): boolean {
  return scopes.indexOf(scope) >= scopes.indexOf(needed);
}

/** The name of a key is the owner of its jobs. Keys of the same name are one owner, so that a key can be replaced. */
export const ownerSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$/,
    'must be 1-63 letters, digits, dots, dashes, underscores and @',
  );

/** The name of a project. */
export const projectNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be 1-63 letters, digits, dots, dashes and underscores');

/** The owner of what a key of this name makes: the name, with its project before it where it has one. */
export function ownerOf(name: string, project: string | null): string {
  return project === null ? name : `${project}/${name}`;
}

/** The project of an owner; null for one without a project, whose name has no slash. */
export function projectOf(owner: string | null): string | null {
  const slash = owner?.indexOf('/') ?? -1;
  return slash < 0 ? null : (owner as string).slice(0, slash);
}

export const auditEntrySchema = z.object({
  id: z.string().describe('The id of the entry; ids rise with time.'),
  time: z.iso.datetime().describe('When it happened.'),
  key: z
    .string()
    .nullable()
    .describe('The id of the API key; null for a request without a valid key, or when keys are off.'),
  owner: z.string().nullable().describe('The name of the API key.'),
  action: z.string().describe('The method and route of the request, or the command that was run.'),
  job: z.string().nullable().describe('The id of the job that the action is about.'),
  status: z.number().int().nullable().describe('The status of the response; null for a command.'),
  code: z.string().nullable().describe('The error code of a refused request.'),
  request: z.string().nullable().describe('The id of the request, as in the log.'),
  address: z.string().nullable().describe('The address of the client.'),
  count: z
    .number()
    .int()
    .nullable()
    .describe(
      'For a refused request without a key: how many of these its network (the address, or the /64 of an IPv6 address) had ' +
        'sent in this minute, with this one. Of more than ten, only the 16th, 32nd, 64th and so on have entries.',
    ),
});
/** One change or refusal in the audit log. */
export type AuditEntry = z.output<typeof auditEntrySchema>;
