import type { DatasetProfile } from '@distillery/spec';
import { useState } from 'preact/hooks';
import type { Sort } from '../../components/sort.ts';
import { type Column, Table } from '../../components/table.tsx';
import { counted, number } from '../../format/numbers.ts';

interface ClassRow {
  name: string;
  train: number;
  validation: number | undefined;
  test: number;
}

/** The samples of each class in each split, with bars, so that a class that is rare is seen at once. */
export function ClassesCard({ profile: { classes, splits } }: { profile: DatasetProfile }) {
  const [sort, setSort] = useState<Sort>();
  const rows = classes.map((name, index) => ({
    name,
    train: splits.train[index],
    validation: splits.validation?.[index],
    test: splits.test[index],
  }));
  const most = Math.max(1, ...splits.train);
  return (
    <section class="card">
      <header>
        <h2>{counted(classes.length, 'class', 'classes')}</h2>
      </header>
      <Table
        label="Classes"
        columns={columns(most, splits.validation !== undefined)}
        rows={rows}
        rowKey={({ name }) => name}
        {...(sort && { sort })}
        onSort={setSort}
        rowHeight={37}
        sticky
      />
    </section>
  );
}

function columns(most: number, validated: boolean): Column<ClassRow>[] {
  return [
    { name: 'class', title: 'Class', names: true, cell: ({ name }) => <b>{name}</b> },
    {
      name: 'train',
      title: 'Training',
      sort: ({ train }) => train,
      cell: ({ train }) => (
        <div class="counted">
          {number(train)}
          <i aria-hidden="true" style={{ width: `${(160 * train) / most}px` }} />
        </div>
      ),
    },
    ...(validated
      ? [
          {
            name: 'validation',
            title: 'Validation',
            number: true,
            cell: ({ validation }: ClassRow) => number(validation),
          },
        ]
      : []),
    {
      name: 'test',
      title: 'Test',
      number: true,
      sort: ({ test }) => test,
      cell: ({ test }) => number(test),
    },
  ];
}
