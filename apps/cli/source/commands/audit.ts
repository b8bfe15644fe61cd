import type { AuditEntry } from '@distillery/spec';
import { clientAction, clientCommand } from '../run-command.ts';
import { table } from '../table.ts';

export const audit = () =>
  clientCommand('audit')
    .summary('show who changed what')
    .description(
      'Lists the latest changes and refused requests, with their owners. It needs a key of scope admin.',
    )
    .action(
      clientAction(async ({ client, print }) => {
        print(auditTable((await client.audit.list().page()).entries));
      }),
    );

/** Changes and refused requests, one a row. */
function auditTable(entries: readonly AuditEntry[]): string {
  if (entries.length === 0) return '  Nothing yet.';
  return table(
    [
      { title: 'time' },
      { title: 'who' },
      { title: 'from' },
      { title: 'what' },
      { title: 'job', whole: true },
      { title: 'answer' },
    ],
    entries.map(({ time, owner, address, action, job, status, code }) => [
      time.slice(0, 19).replace('T', ' '),
      owner ?? '–',
      address ?? '–',
      action,
      job ?? '–',
      [status, code].filter((part) => part !== null).join(' ') || '–',
    ]),
  );
}
