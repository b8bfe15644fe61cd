import type { AuditEntry } from '@distillery/spec';
import { table } from '../table.ts';

/** Who has changed what, and who was refused. */
export function auditTable(entries: readonly AuditEntry[]): string {
  if (entries.length === 0) return '  Nothing yet.';
  return table(
    [
      { title: 'time' },
      { title: 'who' },
      { title: 'from' },
      { title: 'what' },
      { title: 'job' },
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
