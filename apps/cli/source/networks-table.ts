import type { Network } from '@distillery/spec';
import { ago } from './format.ts';
import { table } from './table.ts';

/** Networks that were brought, one a row. */
export function networksTable(networks: readonly Network[], now = Date.now()): string {
  return table(
    [
      { title: 'network', whole: true },
      { title: 'name' },
      { title: 'type' },
      { title: 'parameters', align: 'right' },
      { title: 'kept' },
    ],
    networks.map((one) => [
      one.id,
      one.name ?? '–',
      one.architecture.type,
      one.parameters.toLocaleString('en'),
      ago(one.createdAt, now),
    ]),
  );
}
