import { type ApiKey, type DistilleryQueue, type NewApiKey, openQueue } from '@distillery/queue';
import { ownerSchema } from '@distillery/spec';
import { table } from './table.ts';

/** Keys are managed in Redis and not over HTTP, because access to that Redis controls the service anyway. */
async function withQueue<T>(url: string, work: (queue: DistilleryQueue) => Promise<T>): Promise<T> {
  const queue = await openQueue({ url });
  try {
    return await work(queue);
  } finally {
    await queue.close();
  }
}

/** Creates a key and returns the text to print; the token is never shown again. */
export function createKey(redisUrl: string, key: NewApiKey): Promise<string> {
  const { success, error } = ownerSchema.safeParse(key.name);
  if (!success) throw new Error(`--name ${key.name}: ${error.issues[0].message}`);
  return withQueue(redisUrl, async (queue) => {
    if (key.project) await queue.projects.get(key.project);
    const { token, id, name, scope, expiresAt } = await queue.apiKeys.create(key);
    await note(queue, 'keys create', { id, name });
    return [
      `  ${token}`,
      '',
      `  The key of ${name}, scope ${scope}. It is shown this once; only its hash is kept.`,
      ...(expiresAt === null ? [] : [`  It ends at ${expiresAt}.`]),
      '  Send it as "Authorization: Bearer dk_…", or set DISTILLERY_TOKEN for this program.',
    ].join('\n');
  });
}

export function revokeKey(redisUrl: string, id: string): Promise<string> {
  return withQueue(redisUrl, async (queue) => {
    const key = await queue.apiKeys.revoke(id);
    if (key === undefined) throw new Error(`there is no key ${id}; see: distill keys list`);
    await note(queue, 'keys revoke', key);
    return `  ${key.id}, the key of ${key.name}, is revoked`;
  });
}

export function listKeys(redisUrl: string): Promise<string> {
  return withQueue(redisUrl, async (queue) => {
    const keys = await queue.apiKeys.list();
    if (keys.length === 0) return '  There is no key yet: distill keys create --name NAME --scope admin';
    return table(
      [
        { title: 'id', whole: true },
        { title: 'name' },
        { title: 'project' },
        { title: 'scope' },
        { title: 'jobs', align: 'right' },
        { title: 'rate', align: 'right' },
        { title: 'created' },
        { title: 'last used' },
        { title: 'state' },
      ],
      keys.map((key) => [
        key.id,
        key.name,
        key.project ?? '–',
        key.scope,
        String(key.jobs ?? '–'),
        String(key.rate ?? '–'),
        minute(key.createdAt),
        minute(key.lastUsedAt),
        stateOf(key),
      ]),
    );
  });
}

function note(queue: DistilleryQueue, action: string, { id, name }: Pick<ApiKey, 'id' | 'name'>) {
  const noRequest = { job: null, status: null, code: null, request: null, address: null, count: null };
  return queue.audit.record({ key: id, owner: name, action, ...noRequest });
}

/** Whether a key is valid, and since or until when. */
function stateOf({ revokedAt, expiresAt }: ApiKey, now = Date.now()): string {
  if (revokedAt !== null) return `revoked ${minute(revokedAt)}`;
  if (expiresAt === null) return 'valid';
  return `${Date.parse(expiresAt) <= now ? 'expired' : 'until'} ${minute(expiresAt)}`;
}

/** `2026-01-31 12:00` */
function minute(time: string | null): string {
  return time === null ? '–' : time.slice(0, 16).replace('T', ' ');
}
