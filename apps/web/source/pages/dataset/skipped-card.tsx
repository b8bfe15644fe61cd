import type { DatasetProfile } from '@distillery/spec';
import { Table } from '../../components/table.tsx';
import { counted, number } from '../../format/numbers.ts';

/** The files and rows that could not be read, with the reasons. */
export function SkippedCard({ profile: { skipped } }: { profile: DatasetProfile }) {
  const { count, first } = skipped;
  if (count === 0) return null;
  return (
    <section class="card">
      <header>
        <h2>{counted(count, 'sample')} left out</h2>
        {count > first.length && <span class="muted small">the first {number(first.length)} of them</span>}
      </header>
      <Table
        label="Samples that are left out"
        columns={[
          { name: 'name', title: 'File or row', names: true, cell: ({ name }) => <code>{name}</code> },
          { name: 'reason', title: 'Reason', cell: ({ reason }) => reason },
        ]}
        rows={first}
        rowKey={({ name }) => name}
      />
    </section>
  );
}
